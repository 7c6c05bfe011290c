import Glibc

/// Files that the command itself makes.
enum NewFile {
  /// Writes a text file. An existing file is refused, or with `replacing` replaced in one step.
  static func write(_ text: String, to path: String, replacing: Bool) throws {
    var status = stat()
    let exists = stat(path, &status) == 0
    if exists && status.st_mode & S_IFMT == S_IFDIR {
      throw InputError("\(path): is a folder; name a file")
    }
    if exists && !replacing { throw InputError("\(path): exists already; choose another name, or --force replaces it") }
    let isPlain = !exists || status.st_mode & S_IFMT == S_IFREG
    // A device or a pipe is written to; a file appears complete or not at all.
    let place = isPlain ? "\(path).new-\(getpid())" : path
    let descriptor = open(place, O_WRONLY | O_CLOEXEC | O_NONBLOCK | (isPlain ? O_CREAT | O_EXCL : 0), 0o644)
    guard descriptor >= 0 else { throw InputError("\(path): cannot be written: \(String(cString: strerror(errno)))") }
    var failure = writeFully(Array(text.utf8), to: descriptor)
    if failure == 0 && isPlain && fsync(descriptor) != 0 { failure = errno }
    close(descriptor)
    if failure == 0 && isPlain { failure = publish(place, as: path, replacing: replacing) }
    guard failure == 0 else {
      if isPlain { unlink(place) }
      throw RunFailure("\(path): cannot be written: \(String(cString: strerror(failure)))")
    }
  }

  /// Gives a complete file its name. Without `replacing`, a file that appeared meanwhile is left alone.
  private static func publish(_ temporary: String, as path: String, replacing: Bool) -> Int32 {
    if replacing { return rename(temporary, path) == 0 ? 0 : errno }
    guard link(temporary, path) != 0 else {
      unlink(temporary)
      return 0
    }
    // File systems without hard links.
    guard errno != EEXIST else { return EEXIST }
    return rename(temporary, path) == 0 ? 0 : errno
  }
}
