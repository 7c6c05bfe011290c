// Stub so that the package resolves; replaced by the room's first file.
