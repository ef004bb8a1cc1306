"""Joint layouts of data sets and detectors: tables of names and parents.

Joints that mean the same point of the body share a name, so that layouts convert by name. 3DHP's head_top is H36M's
"Head" and its head (the middle of the head) is "NeckNose", as in SPIN's 3DHP files and the projects around PoseAug.
The head tops of LSP and SPIN keep their name. The point between the shoulders is "Thorax" everywhere: 3DHP and LSP call
it neck, and of SPIN's two candidates it is the LSP one (12), not MPII's thorax (15).
Sources: Human3.6M (32 joints, 17 of them moving), MPI-INF-3DHP `mpii_get_joint_set.m`, SPIN `constants.py` (its 24
ground-truth joints), LSP, HumanEva as in VideoPose3D, COCO keypoints; of detectors: OpenPose's two, Halpe's first 26
(AlphaPose) and MediaPipe's.
"""

# "joint:parent" in the order of the layout; the root has no parent.
LAYOUTS = {
    "h36m_32": (
        "Hip RHip:Hip RKnee:RHip RAnkle:RKnee RToe:RAnkle RToeEnd:RToe "
        "LHip:Hip LKnee:LHip LAnkle:LKnee LToe:LAnkle LToeEnd:LToe "
        "HipCopy:Hip Spine:HipCopy Thorax:Spine NeckNose:Thorax Head:NeckNose "
        "LNeck:Thorax LShoulder:LNeck LElbow:LShoulder LWrist:LElbow LWristCopy:LWrist LThumb:LWristCopy "
        "LHand:LWrist LHandCopy:LHand "
        "RNeck:Thorax RShoulder:RNeck RElbow:RShoulder RWrist:RElbow RWristCopy:RWrist RThumb:RWristCopy "
        "RHand:RWrist RHandCopy:RHand"
    ),
    "h36m_17": (
        "Hip RHip:Hip RKnee:RHip RAnkle:RKnee LHip:Hip LKnee:LHip LAnkle:LKnee Spine:Hip Thorax:Spine "
        "NeckNose:Thorax Head:NeckNose LShoulder:Thorax LElbow:LShoulder LWrist:LElbow "
        "RShoulder:Thorax RElbow:RShoulder RWrist:RElbow"
    ),
    "h36m_16": (
        "Hip RHip:Hip RKnee:RHip RAnkle:RKnee LHip:Hip LKnee:LHip LAnkle:LKnee Spine:Hip Thorax:Spine "
        "Head:Thorax LShoulder:Thorax LElbow:LShoulder LWrist:LElbow RShoulder:Thorax RElbow:RShoulder RWrist:RElbow"
    ),
    "mpi_inf_3dhp_28": (
        "Spine3:Spine4 Spine4:Spine2 Spine2:Spine Spine:Hip Hip Thorax:Spine3 NeckNose:Thorax Head:NeckNose "
        "LClavicle:Thorax LShoulder:LClavicle LElbow:LShoulder LWrist:LElbow LHand:LWrist "
        "RClavicle:Thorax RShoulder:RClavicle RElbow:RShoulder RWrist:RElbow RHand:RWrist "
        "LHip:Hip LKnee:LHip LAnkle:LKnee LFoot:LAnkle LToe:LFoot "
        "RHip:Hip RKnee:RHip RAnkle:RKnee RFoot:RAnkle RToe:RFoot"
    ),
    "mpi_inf_3dhp_17": (
        "Head:NeckNose Thorax:Spine RShoulder:Thorax RElbow:RShoulder RWrist:RElbow "
        "LShoulder:Thorax LElbow:LShoulder LWrist:LElbow RHip:Hip RKnee:RHip RAnkle:RKnee "
        "LHip:Hip LKnee:LHip LAnkle:LKnee Hip Spine:Hip NeckNose:Thorax"
    ),
    "spin_24": (
        "RAnkle:RKnee RKnee:RHip RHip:Hip LHip:Hip LKnee:LHip LAnkle:LKnee RWrist:RElbow RElbow:RShoulder "
        "RShoulder:Thorax LShoulder:Thorax LElbow:LShoulder LWrist:LElbow Thorax:Spine HeadTop:Head Hip "
        "ThoraxMPII:Spine Spine:Hip NeckNose:Thorax Head:NeckNose Nose:Head LEye:Nose REye:Nose LEar:LEye REar:REye"
    ),
    "lsp_14": (
        "RAnkle:RKnee RKnee:RHip RHip:Thorax LHip:Thorax LKnee:LHip LAnkle:LKnee RWrist:RElbow RElbow:RShoulder "
        "RShoulder:Thorax LShoulder:Thorax LElbow:LShoulder LWrist:LElbow Thorax HeadTop:Thorax"
    ),
    "humaneva_15": (
        "Hip Thorax:Hip LShoulder:Thorax LElbow:LShoulder LWrist:LElbow RShoulder:Thorax RElbow:RShoulder "
        "RWrist:RElbow LHip:Hip LKnee:LHip LAnkle:LKnee RHip:Hip RKnee:RHip RAnkle:RKnee Head:Thorax"
    ),
    "coco_17": (
        "Nose LEye:Nose REye:Nose LEar:LEye REar:REye LShoulder:Nose RShoulder:Nose LElbow:LShoulder RElbow:RShoulder "
        "LWrist:LElbow RWrist:RElbow LHip:LShoulder RHip:RShoulder LKnee:LHip RKnee:RHip LAnkle:LKnee RAnkle:RKnee"
    ),
    # COCO keypoints plus the middle of the hips as the root: what a lifter with input_layout coco_17 works on.
    "coco_hip_18": (
        "Hip Nose:Hip LEye:Nose REye:Nose LEar:LEye REar:REye LShoulder:Hip RShoulder:Hip LElbow:LShoulder "
        "RElbow:RShoulder LWrist:LElbow RWrist:RElbow LHip:Hip RHip:Hip LKnee:LHip RKnee:RHip LAnkle:LKnee RAnkle:RKnee"
    ),
    # OpenPose's old model: COCO's keypoints in another order, with a neck in the middle of the shoulders.
    "openpose_18": (
        "Nose:Thorax Thorax RShoulder:Thorax RElbow:RShoulder RWrist:RElbow LShoulder:Thorax LElbow:LShoulder "
        "LWrist:LElbow RHip:Thorax RKnee:RHip RAnkle:RKnee LHip:Thorax LKnee:LHip LAnkle:LKnee REye:Nose LEye:Nose "
        "REar:REye LEar:LEye"
    ),
    "body_25": (
        "Nose:Thorax Thorax:Hip RShoulder:Thorax RElbow:RShoulder RWrist:RElbow LShoulder:Thorax LElbow:LShoulder "
        "LWrist:LElbow Hip RHip:Hip RKnee:RHip RAnkle:RKnee LHip:Hip LKnee:LHip LAnkle:LKnee REye:Nose LEye:Nose "
        "REar:REye LEar:LEye LBigToe:LAnkle LSmallToe:LBigToe LHeel:LAnkle RBigToe:RAnkle RSmallToe:RBigToe "
        "RHeel:RAnkle"
    ),
    # OpenPose's other model of 25: COCO's keypoints, a neck, the top of the head and the feet.
    "body_25b": (
        "Nose LEye:Nose REye:Nose LEar:LEye REar:REye LShoulder:Nose RShoulder:Nose LElbow:LShoulder RElbow:RShoulder "
        "LWrist:LElbow RWrist:RElbow LHip:LShoulder RHip:RShoulder LKnee:LHip RKnee:RHip LAnkle:LKnee RAnkle:RKnee "
        "Thorax:Nose HeadTop:Nose LBigToe:LAnkle LSmallToe:LBigToe LHeel:LAnkle RBigToe:RAnkle RSmallToe:RBigToe "
        "RHeel:RAnkle"
    ),
    # MPII's own: its "upper neck" is LSP's neck, as in SPIN.
    "mpii_16": (
        "RAnkle:RKnee RKnee:RHip RHip:Hip LHip:Hip LKnee:LHip LAnkle:LKnee Hip ThoraxMPII:Hip Thorax:ThoraxMPII "
        "HeadTop:Thorax RWrist:RElbow RElbow:RShoulder RShoulder:Thorax LShoulder:Thorax LElbow:LShoulder LWrist:LElbow"
    ),
    "halpe_26": (
        "Nose:Thorax LEye:Nose REye:Nose LEar:LEye REar:REye LShoulder:Thorax RShoulder:Thorax LElbow:LShoulder "
        "RElbow:RShoulder LWrist:LElbow RWrist:RElbow LHip:Hip RHip:Hip LKnee:LHip RKnee:RHip LAnkle:LKnee "
        "RAnkle:RKnee HeadTop:Thorax Thorax:Hip Hip LBigToe:LAnkle RBigToe:RAnkle LSmallToe:LBigToe RSmallToe:RBigToe "
        "LHeel:LAnkle RHeel:RAnkle"
    ),
    "mediapipe_33": (
        "Nose LEyeInner:Nose LEye:LEyeInner LEyeOuter:LEye REyeInner:Nose REye:REyeInner REyeOuter:REye LEar:LEyeOuter "
        "REar:REyeOuter LMouth:Nose RMouth:Nose LShoulder:Nose RShoulder:Nose LElbow:LShoulder RElbow:RShoulder "
        "LWrist:LElbow RWrist:RElbow LPinky:LWrist RPinky:RWrist LIndex:LWrist RIndex:RWrist LThumb:LWrist "
        "RThumb:RWrist LHip:LShoulder RHip:RShoulder LKnee:LHip RKnee:RHip LAnkle:LKnee RAnkle:RKnee LHeel:LAnkle "
        "RHeel:RAnkle LToe:LHeel RToe:RHeel"
    ),
}

# Joints whose mean stands in for a joint the layout lacks: COCO has no pelvis, thorax or head, LSP no pelvis. These are
# approximations: a lifter trained on the layout's own joints does better.
SUBSTITUTES = {"Hip": ("RHip", "LHip"), "Thorax": ("RShoulder", "LShoulder"), "Head": ("REar", "LEar")}
