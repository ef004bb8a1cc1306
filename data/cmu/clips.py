"""The 144 clips that make up CMU-X and what they show, as mocap.cs.cmu.edu describes them.

CMU-X is these clips and no others, so that everybody measures on the same motion whatever else lies in their archive.
Descriptions: the database's own words, after the index compiled by B. Hahne (cgspeed, 2008).
"""

_CLIPS = """
01_01 playground - forward jumps, turn around
01_02 playground - climb
01_03 playground - climb, hang, swing
01_04 playground - climb
01_05 playground - climb, go under
01_06 playground - climb, sit, dangle legs, descend
01_07 playground - climb, sit, dangle legs, jump down
01_08 playground - climb, sit, dangle legs, rock back, lower self to ground
01_09 playground - climb, hang, hold self up with arms straight, swing, drop, sit, dangle legs, go under
01_10 playground - climb, swing, lean back, drop
01_11 playground - climb, hang, lean over, jump down
01_12 playground - climb, pull up, dangle, sit, lower self to ground
01_13 playground - climb, go under, jump down
01_14 playground - climb, jump down, dangle, legs push off against
02_01 walk
02_02 walk
02_03 run/jog
02_04 jump, balance
02_05 punch/strike
02_06 bend over, scoop up, rise, lift arm
02_07 swordplay
02_08 swordplay
02_09 swordplay
02_10 wash self
03_01 walk on uneven terrain
03_02 walk on uneven terrain
03_03 walk on uneven terrain
03_04 walk on uneven terrain
05_01 walk
05_02 dance - expressive arms, pirouette
05_03 dance - sideways arabesque, turn step, folding arms
05_04 dance - sideways arabesque, folding arms, bending back
05_05 dance - quasi-cou-de-pied, raised leg above hip-height, jete en tourant
05_06 dance - cartwheel-like start, pirouettes, jete
05_07 dance - small jetes, attitude/arabesque, shifted-axis pirouette, turn
05_08 dance - rond de jambe in the air, jete, turn
05_09 dance - glissade devant, glissade derriere, attitude/arabesque
05_10 dance - glissade devant, glissade derriere, attitude/arabesque
05_11 dance - sideways steps, pirouette
05_12 dance - arms held high, pointe tendue a terre, upper body rotation
05_13 dance - small jetes, pirouette
05_14 dance - retire derriere, attitude/arabesque
05_15 dance - retire derriere, attitude/arabesque
05_16 dance - coupe dessous, jete en tourant
05_17 dance - coupe dessous, grand jete en tourant
05_18 dance - attitude/arabesque, jete en tourant, bending back
05_19 dance - attitude/arabesque, jete en tourant, bending back
05_20 dance - attitude/arabesque, jete en tourant, bending back
06_01 walk
07_01 walk
07_02 walk
07_03 walk
07_04 slow walk
07_05 slow walk
07_06 walk
07_07 walk
07_08 walk
07_09 walk
07_10 walk
07_11 walk
07_12 brisk walk
08_01 walk
08_02 walk
08_03 walk
08_04 slow walk
08_05 walk/stride
08_06 walk
08_07 walk, exaggerated stride
08_08 walk
08_09 walk
08_10 walk
08_11 slow walk/stride
10_04 walk
12_01 walk
12_02 walk
12_03 walk
16_15 walk
16_16 walk
16_21 walk
16_22 walk
16_31 walk
16_32 walk
16_47 walk
16_58 walk
26_01 walk
27_01 walk
29_01 walk
32_01 walk
32_02 walk
35_01 walk
35_02 walk
35_03 walk
35_04 walk
35_05 walk
35_06 walk
35_07 walk
35_08 walk
35_09 walk
35_10 walk
35_11 walk
35_12 walk
35_13 walk
35_14 walk
35_15 walk
35_16 walk
35_17 run/jog
35_18 run/jog
35_19 run/jog
35_20 run/jog
35_21 run/jog
35_22 run/jog
35_23 run/jog
35_24 run/jog
35_25 run/jog
35_26 run/jog
35_28 walk
35_29 walk
35_30 walk
35_31 walk
35_32 walk
35_33 walk
35_34 walk
49_01 walk
49_02 jump up and down, hop on one foot
49_03 jump up and down, hop on one foot
49_04 run, leap
49_05 run, leap
49_06 cartwheel
49_07 cartwheel
49_08 cartwheels
49_09 dance - arms held high, side arabesque
49_10 dance - fold in from side arabesque, curl inwards
49_11 dance - fold in from side arabesque, curl inwards
49_12 dance - lean forward, bring back leg forward, arching arms
49_13 dance - fold in from side arabesque, curl inwards
49_14 dance - lean forward, bring back leg forward, arching arms
49_15 static dance pose - folded in, head lowered, leg bent
49_16 dance - fold in from side arabesque, curl inwards
49_17 dance - lean forward, bring back leg forward, arching arms
49_18 balance on one leg, outstretched arms
49_19 balance on one leg, outstretched arms
49_20 balance on one leg, outstretched arms
49_21 acrobatics - spin/twirl, hang on ropes
49_22 dance - lean back on bent leg, balance, bend elbow by ear
"""

# clip -> what it shows
TRAIN_SUBJECTS: tuple[str, ...] = ("01", "02", "03", "06", "07", "08", "10", "27", "29", "35")
VALIDATION_SUBJECTS: tuple[str, ...] = ("07", "29")
TEST_SUBJECTS: tuple[str, ...] = ("05", "12", "16", "26", "32", "49")
RIG_SUBJECTS = ("S1", "S5", "S6", "S7", "S8")  # training rigs of Human3.6M, dealt out to the subjects in turn
CAPTURE_FPS = 120.0

CMUX_CLIPS: dict[str, str] = {line[:5]: line[6:] for line in _CLIPS.strip().splitlines()}

# subject -> what the database recorded it for
SUBJECT_THEMES: dict[str, str] = {
    "01": "climb, swing, hang on playground equipment",
    "02": "various expressions and human behaviors",
    "03": "walk on uneven terrain",
    "05": "modern dance",
    "06": "dribble, shoot basketball",
    "07": "walk",
    "08": "walk",
    "10": "kick soccer ball",
    "12": "tai chi, walk",
    "16": "run, jump, walk",
    "26": "nursery rhymes, basketball, bending",
    "27": "recreation, nursery rhymes",
    "29": "recreation, nursery rhymes, animal behaviors (pantomime - human subject)",
    "32": "recreation, nursery rhymes, animal behaviors (pantomime - human subject)",
    "35": "walk, run",
    "49": "modern dance, gymnastics",
}
