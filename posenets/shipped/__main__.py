"""List the lifters that ship with PoseFK, or print the model card of one.

    posefk models
    posefk models coco_17

Their names stand for files: `posefk predict --checkpoint coco_17`.
"""

from collections.abc import Sequence

from data.command_line import OneSentenceParser
from kinematics.errors import exit_with_one_sentence
from posenets.shipped import NAMES, card_text, read_shipped


def main(arguments: Sequence[str] | None = None) -> None:
    parser = OneSentenceParser("posefk models", __doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="models whose cards are printed; none: a list of all")
    names = parser.parse(arguments).names
    if names:
        print("\n".join(card_text(read_shipped(name)) for name in names))
        return
    for name in NAMES:
        shipped = read_shipped(name)
        print(f"{name:15}{shipped.path.stat().st_size / 1e6:4.1f} MB  {shipped.card['reads']}")
        exact = next(score for score in shipped.card["scores"] if score["test_set"] == "cmux2_b")
        print(f"{'':15}{exact['mpjpe']:.0f} mm MPJPE on people and cameras it has not seen (cmux2_b, exact 2D)")
    print("\nposefk models NAME prints a model card; posefk predict uses one of them unless --checkpoint says another.")


if __name__ == "__main__":
    exit_with_one_sentence(main)
