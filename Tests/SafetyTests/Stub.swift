// Stub; replaced by the first test file.
