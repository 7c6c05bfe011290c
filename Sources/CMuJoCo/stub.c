int sinew_mujoco_stub;
