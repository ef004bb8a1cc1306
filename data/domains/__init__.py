"""Further data sets, mostly to test on: HumanEva-I, 3DPW and AIST++. docs/data_more.md says where they come from."""
