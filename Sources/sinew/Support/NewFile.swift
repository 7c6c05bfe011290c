import Glibc

/// Files that the command itself makes.
enum NewFile {
  /// Makes and removes again what `write` will make under a new name, for commands that compute for long before they write.
  /// A missing folder above it is made, too: see `makeFolder`.
  static func check(_ path: String) throws {
    var status = stat()
    guard lstat(path, &status) != 0 else {
      if status.st_mode & S_IFMT == S_IFDIR { throw InputError("\(path): is a folder; name a file") }
      throw InputError("\(path): exists already; name another file, or move it away")
    }
    func fail(_ what: String) -> InputError {
      InputError("\(what): cannot be written: \(String(cString: strerror(errno))); name another file")
    }
    let folder = folder(of: path)
    let isFolderMissing = folder.map { access($0, F_OK) != 0 } ?? false
    if let folder, isFolderMissing, mkdir(folder, 0o777) != 0 { throw fail(path) }
    defer { if let folder, isFolderMissing { rmdir(folder) } }
    let place = "\(path).new-\(getpid())"
    let descriptor = open(place, O_WRONLY | O_CLOEXEC | O_CREAT | O_EXCL, 0o644)
    guard descriptor >= 0 else { throw fail(path) }
    close(descriptor)
    unlink(place)
  }

  /// Makes the folder of a file when it is missing, but none above it: a wrong path should not become a tree.
  static func makeFolder(of path: String) {
    // What forbids it shows when the file is written.
    if let folder = folder(of: path), access(folder, F_OK) != 0 { mkdir(folder, 0o777) }
  }

  private static func folder(of path: String) -> String? {
    guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return nil }
    return String(path[..<slash])
  }

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
