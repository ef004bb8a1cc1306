"""Started by test_bvh_in_blender.py with a Python that has bpy: import a BVH file as Blender does, print what came.

Usage: blender_import.py FILE.bvh FRAMES
"""

import json
import sys

import bpy  # type: ignore[import-not-found]

bpy.ops.wm.read_factory_settings(use_empty=True)
bpy.ops.import_anim.bvh(filepath=sys.argv[1], update_scene_fps=True)
armature, scene = bpy.context.object, bpy.context.scene
heads = {bone.name: [] for bone in armature.pose.bones}
for frame in range(scene.frame_start, scene.frame_start + int(sys.argv[2])):
    scene.frame_set(frame)
    for bone in armature.pose.bones:
        heads[bone.name].append(list(armature.matrix_world @ bone.head))
print("\n" + json.dumps({"fps": scene.render.fps / scene.render.fps_base, "heads": heads}))
