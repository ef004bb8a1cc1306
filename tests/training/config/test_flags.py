import shlex

import pytest

from augment.settings import RECIPES
from training.config import flags, flat, read_settings, setting_types

DH_AUG_SINGLE = (
    "--note posefk --posenet_name 'videopose' --lr_p 1e-4 --checkpoint './checkpoint/posefk' --keypoints gt "
    "--s1only False --GAN_whether_use_preAngle True --video_over_200mm False --batch_size 1024 "
    "--data_enhancement_method 'GAN' --additional_LR_decay 0.95 --Gen_DenseDim 256 --Dis_DenseDim_3D 256 "
    "--Dis_DenseDim_2D 256"
)
DH_AUG_VIDEO = (
    "--note posefk --posenet_name 'mulit_farme_videopose' --lr_p 1e-3 --checkpoint './checkpoint/posefk' "
    "--keypoints gt --s1only False --GAN_whether_use_preAngle True --single_or_multi_train_mode multi "
    "--video_over_200mm False --batch_size 512 --data_enhancement_method 'GAN' --downsample 10 "
    "--additional_LR_decay 0.95 --warmup 20 --single_dis_warmup_epoch 4 --architecture '3,3'"
)
ESMFORMER_SELF = (
    "--batch_size 1024 --nepoch 50 --adaptive_loss 1 --self_supervised 1 --reproj_loss 1 --tri_loss 1 --loss_w 0.8"
)


def test_every_setting_has_a_flat_name_of_its_own():
    count = 0

    def leaves(kind: type) -> int:
        from dataclasses import is_dataclass
        from typing import get_type_hints

        return sum(leaves(hint) if is_dataclass(hint) else 1 for hint in get_type_hints(kind).values())

    from training.config import Settings

    count = leaves(Settings)
    assert len(setting_types()) == count


def test_the_single_frame_command_of_dh_aug_means_what_it_says():
    settings = read_settings(shlex.split(DH_AUG_SINGLE))
    values = flat(settings)
    assert values["posenet_name"] == "videopose" and values["note"] == "posefk" and values["keypoints"] == "gt"
    assert values["lr"] == 1e-4 and values["batch_size"] == 1024 and values["additional_lr_decay"] == 0.95
    assert values["generator_width"] == values["critic_width_3d"] == values["critic_width_2d"] == 256
    assert values["checkpoint"] == "./checkpoint/posefk" and values["subjects_train"] == ()


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (ESMFORMER_SELF, "--self_supervised True needs several views, videopose sees one"),
        ("--posenet_name esmformer --views 1", "--views 1: esmformer needs two or more"),
        ("--posenet_name videopose --views 4", "--views 4: videopose sees one camera; choose esmformer"),
        ("--posenet_name esmformer --tri_loss 1", "add --self_supervised True"),
        ("--posenet_name esmformer --self_supervised 1 --loss_w 1.5", "--loss_w 1.5: expected a share"),
        ("--posenet_name esmformer --self_supervised 1 --loss_w -1", "--loss_w -1.0: expected a share"),
        ("--posenet_name esmformer --input_mode root", "--input_mode root: choose from screen, rays"),
        ("--posenet_name esmformer --smfe 55", "three digits as in 555"),
        ("--posenet_name esmformer --mclf 2", "one block between the levels"),
        ("--single_or_multi_train_mode both", "single, multi"),
        ("--architecture 3x3", "3,3,3"),
        ("--GAN_whether_use_preAngle False", "joint limits"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_sentence(command: str, reason: str):
    with pytest.raises(ValueError, match=reason) as caught:
        read_settings(shlex.split(command))
    assert "\n" not in str(caught.value)


def test_the_video_command_of_dh_aug_means_what_it_says():
    settings = read_settings(shlex.split(DH_AUG_VIDEO))
    assert settings.lifter.window == 9 and settings.lifter.filter_widths == (3, 3)
    assert settings.data.downsample == 10 and settings.learning.warmup == 20 and settings.learning.motion_warmup == 4
    as_published = read_settings([*shlex.split(DH_AUG_VIDEO), "--recipe", "dh-aug"]).learning
    assert as_published.time_reversal and as_published.loss == "mpjpe", "its video mode differs from its single frames"
    single = read_settings(["--recipe", "dh-aug"]).learning
    assert not single.time_reversal and single.loss == "mse"


def test_the_commands_of_poseformer_mean_what_they_say():
    command = "--posenet_name poseformer -k cpn_ft_h36m_dbb -f 81 -c checkpoint --evaluate detected81f.bin"
    settings = read_settings(shlex.split(command))
    assert settings.lifter.window == 81 and settings.evaluate == "detected81f.bin"
    learning = read_settings(shlex.split("--posenet_name poseformer -k gt -f 81 -lr 0.0004 -lrd 0.99")).learning
    assert learning.lr_schedule == "exponential" and learning.weight_decay == 0.1 and learning.lr == 4e-4


def test_the_commands_of_esmformer_mean_what_they_say():
    name = "--posenet_name esmformer --dataset h36m "
    full = read_settings((name + "--batch_size 1024 --frames 27 --lr 0.0005 --nepoch 50 --recipe none").split())
    learning, lifter = full.learning, full.lifter
    assert (learning.batch_size, learning.lr, learning.epochs, lifter.frames) == (1024, 5e-4, 50, 27)
    decay = (learning.lr_decay, learning.lr_decay_large, learning.large_decay_epoch)
    assert learning.amsgrad and decay == (0.95, 0.5, 5)
    assert full.data.views == 4 and lifter.input_mode == "screen" and learning.loss_frames == "all"
    alone = read_settings(shlex.split(f"{name} {ESMFORMER_SELF}")).self_supervision
    assert alone.self_supervised and alone.adaptive_loss
    assert alone.tri_loss and alone.reproj_loss and alone.loss_w == 0.8
    typed = "--smfe 321 --milf 112 --mclf 1 --channel 64 --d_hid 96 --mvf_kernel 5"
    sizes = read_settings(f"{name} {typed}".split()).lifter
    assert (sizes.smfe, sizes.milf) == ((3, 2, 1), (1, 1, 2))
    assert (sizes.posenet_width, sizes.d_hid, sizes.mvf_kernel) == (64, 96, 5)


def test_several_views_bring_a_size_for_laptops_and_posefk_its_input():
    settings = read_settings("--posenet_name esmformer --dataset cmu".split())
    assert (settings.lifter.posenet_width, settings.lifter.frames, settings.lifter.input_mode) == (64, 9, "rays")
    assert read_settings("--posenet_name esmformer --dataset cmu --views 2".split()).data.views == 2


def test_lifters_bring_their_published_training_and_window():
    assert read_settings(["--posenet_name", "mulit_farme_poseformer"]).lifter.window == 27
    assert read_settings(["--posenet_name", "mulit_farme_videopose"]).lifter.window == 27
    assert read_settings(["--posenet_name", "mulit_farme_videopose", "--frames", "9"]).lifter.window == 9
    assert read_settings(["--posenet_name", "videopose"]).lifter.window == 1
    seq2seq = read_settings(["--posenet_name", "seq2seq"]).learning
    assert seq2seq.loss_frames == "all" and seq2seq.difference_weight == 4 and seq2seq.lr_decay == 0.96
    assert read_settings(["--posenet_name", "seq2seq", "--lr", "0.01"]).learning.lr == 0.01
    answers = {recipe: read_settings(["--posenet_name", "seq2seq", "--recipe", recipe]).lifter for recipe in RECIPES}
    assert {recipe: answer.middle_frame for recipe, answer in answers.items()} == {
        "none": False, "dh-aug": False, "posefk": True,
    }  # fmt: skip
    assert not read_settings(["--posenet_name", "seq2seq", "--middle_frame", "False"]).lifter.middle_frame


@pytest.mark.parametrize("name, length", [("poseformer", (200, 512)), ("seq2seq", (100, 64)), ("martinez", (200, 64))])
def test_published_lengths_are_for_human36m_and_short_runs_stay_short(name: str, length: tuple[int, int]):
    def length_of(*words: str) -> tuple[int, int]:
        learning = read_settings(["--posenet_name", name, *words]).learning
        return learning.epochs, learning.batch_size

    assert length_of("--dataset", "h36m", "--as_published", "True") == length
    assert length_of("--dataset", "cmu")[0] == 30
    assert length_of("--dataset", "h36m", "--epochs", "3", "--batch_size", "10") == (3, 10)
    with pytest.raises(ValueError, match="product of --filter_widths"):
        read_settings(["--filter_widths", "3", "3", "--frames", "27"])


@pytest.mark.parametrize("name", ["videopose", "poseformer"])
def test_dh_aug_alone_is_as_long_as_published_on_human36m_and_as_long_as_the_others_beside_them(name: str):
    def length_of(*words: str) -> tuple[int, int]:
        learning = read_settings(["--posenet_name", name, "--recipe", "dh-aug", *words]).learning
        return learning.epochs, learning.additional_epochs

    assert length_of("--dataset", "h36m") == (50, 60)
    assert length_of("--dataset", "h36m", "--epochs", "3") == (3, 0), "a length that is typed is the whole length"
    assert length_of("--dataset", "h36m", "--additional_epochs", "2") == (50, 2)
    assert length_of("--dataset", "cmu") == (30, 0)
    compared = ["--dataset", "h36m", "--posenet_name", name, "--compare", "none", "dh-aug"]
    lengths = {recipe: read_settings(compared, recipe).learning for recipe in ("none", "dh-aug")}
    assert lengths["none"].epochs == lengths["dh-aug"].epochs and lengths["dh-aug"].additional_epochs == 0


def test_martinez_is_simple_baseline_as_first_published():
    settings = read_settings(["--posenet_name", "martinez"])
    lifter, learning = settings.lifter, settings.learning
    assert lifter.normalized and lifter.posenet_width == 1024 and lifter.dropout == 0.5
    assert (learning.lr, learning.batch_size, learning.loss, learning.max_norm) == (1e-3, 64, "standard_mse", 1.0)
    assert (learning.lr_schedule, learning.lr_decay, learning.lr_decay_steps) == ("staircase", 0.96, 100_000)
    assert read_settings(["--posenet_name", "martinez", "-lrd", "0.9"]).learning.lr_schedule == "staircase"
    assert not read_settings(["--posenet_name", "mlp"]).lifter.normalized
    with pytest.raises(ValueError, match="--max_norm -1.0: expected at least 0"):
        read_settings(["--max_norm", "-1"])
    with pytest.raises(ValueError, match="--lr_decay_steps 0: expected at least 1"):
        read_settings(["--lr_decay_steps", "0"])


def test_short_flags_of_videopose3d_and_long_ones_of_esmformer_are_the_same_settings():
    short = read_settings(shlex.split("-k cpn_ft_h36m_dbb -lr 0.00004 -lrd 0.99 -b 64 -e 3 -f 1 -str S1,S5 -a '*'"))
    long = read_settings(
        shlex.split("--keypoints cpn_ft_h36m_dbb --lr 4e-5 --lr_decay 0.99 --batch_size 64 --nepoch 3 --frames 1 "
                    "--subjects_train S1 S5")
    )  # fmt: skip
    assert short == long
    assert short.learning.lr_schedule == "exponential" and short.data.subjects_train == ("S1", "S5")
    assert short.data.dataset == "h36m", "detections are Human3.6M's"


def test_test_with_previous_dir_is_evaluate():
    assert read_settings(["--test", "--previous_dir", "./checkpoint/full.pth"]).evaluate == "./checkpoint/full.pth"


def test_enhancement_methods_choose_the_pose_source():
    normal = read_settings(["--data_enhancement_method", "normal"]).augment.mixture.shares()
    assert normal == {"clipped_normal": 1.0}
    assert read_settings(["--data_enhancement_method", "NO_enhance"]).recipe == "none"
    assert "gan" in read_settings(["--data_enhancement_method", "GAN"]).augment.mixture.shares()
    with pytest.raises(ValueError, match="contradicts"):
        read_settings(["--data_enhancement_method", "NO_enhance", "--recipe", "posefk"])


def test_only_s1_trains_on_the_first_subject():
    assert read_settings(["--s1only", "True"]).data.subjects_train == ("S1",)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("--gen_densedim", "--Gen_DenseDim"), ("--batchsize", "--batch_size"), ("--GAN_use_preAngle", "preAngle"),
     ("--synthetic_fraction", "--synthetic_share"), ("--learning_rate", "learning_rate")],
)  # fmt: skip
def test_unknown_flags_are_refused_with_the_nearest(typed: str, meant: str):
    with pytest.raises(ValueError, match=meant):
        read_settings([typed, "3"])


def test_flags_without_effect_in_the_original_are_unknown_here():
    for flag in ("--lr_g", "--df", "--GAN_resume", "--set_demo_mode", "--Path_3DPW"):
        with pytest.raises(ValueError, match=f"{flag} is not a flag"):
            read_settings([flag, "1"])


def test_equal_signs_hyphens_commas_and_negative_values_are_understood():
    typed = flags.read_typed(
        ["--batch-size=8", "--loss_w", "-0.5", "--lr", "1", "--lr", "2", "-str", "S1,S5", "-a", "*"]
    )
    assert typed == {"batch_size": 8, "loss_w": -0.5, "lr": 2.0, "subjects_train": ("S1", "S5"), "actions": ()}


def test_flags_of_earlier_versions_are_understood():
    typed = flags.read_typed("--gan_every 3 --mirrored none --playback True --noise_again off".split())
    assert typed == {
        "gan_interval": 3, "flip_augment": "none", "time_reversal": True, "noisier2noise": "off",
    }  # fmt: skip
