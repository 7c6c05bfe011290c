import Glibc

/// Reading whole files without trusting them: regular files only, never more than a stated size.
enum FileBytes {
  /// The largest model or weight file that is read, 256 MiB: about 150 times the largest policy seen.
  static let modelLimit = 256 << 20

  /// Reads a file.
  static func read(_ path: String, limit: Int = modelLimit) throws(PolicyError) -> [UInt8] {
    // O_NONBLOCK: opening a FIFO must not wait for a writer.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw failure(path, errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw failure(path, errno) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      let kind = status.st_mode & S_IFMT == S_IFDIR ? "a folder" : "not a regular file"
      throw PolicyError(.unreadable, file: path, "is \(kind)", suggestion: "name a file")
    }
    let size = Int(status.st_size)
    guard size <= limit else {
      throw PolicyError(.unreadable, file: path, "has \(size) bytes, more than the limit of \(limit)")
    }
    var failed: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      while count < size, let base = buffer.baseAddress {
        let got = Glibc.read(descriptor, base + count, size - count)
        if got == 0 { break }
        if got < 0 {
          if errno == EINTR { continue }
          failed = errno
          break
        }
        count += got
      }
    }
    guard failed == 0 else { throw failure(path, failed) }
    return bytes
  }

  /// Whether the path names a folder.
  static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  private static func failure(_ path: String, _ code: Int32) -> PolicyError {
    PolicyError(
      .unreadable, file: path, code == ENOENT ? "does not exist" : "cannot be read: \(String(cString: strerror(code)))",
      suggestion: code == ENOENT ? "check the path" : nil)
  }
}

/// A folder whose files may name each other, and nothing outside it.
struct ClosedFolder: Sendable {
  /// The folder's path.
  var path: String

  /// The folder that holds a file.
  static func holding(_ file: String) -> ClosedFolder {
    guard let slash = file.lastIndex(of: "/") else { return ClosedFolder(path: ".") }
    return ClosedFolder(path: slash == file.startIndex ? "/" : String(file[..<slash]))
  }

  /// The path of a file named by another one: relative, without `..`, and inside the folder after symbolic links are
  /// followed.
  /// - Parameters:
  ///   - name: the untrusted relative path.
  ///   - file: the file that names it, for the error.
  ///   - place: where in that file.
  ///   - suggestion: what to do when it is missing.
  func resolve(
    _ name: String, namedBy file: String, place: String?, ifMissing suggestion: String? = nil
  ) throws(PolicyError) -> String {
    func refuse(_ why: String) -> PolicyError {
      PolicyError(
        .escape, file: file, place: place, "path \(name.quoted) \(why)", suggestion: "use a path inside the folder")
    }
    guard !name.isEmpty, !name.unicodeScalars.contains("\0") else { throw refuse("is empty or holds a NUL") }
    guard name.utf8.count <= 4096 else { throw refuse("is longer than 4096 bytes") }
    guard !name.hasPrefix("/") else { throw refuse("is absolute") }
    guard !name.split(separator: "/").contains("..") else { throw refuse("leaves the folder with '..'") }
    let joined = path + "/" + name
    guard let folder = Self.real(path) else {
      throw PolicyError(.unreadable, file: path, "does not exist", suggestion: "check the path")
    }
    guard let target = Self.real(joined) else {
      throw PolicyError(
        .unreadable, file: file, place: place, "needs the file \(name.quoted) beside it, which is missing",
        suggestion: suggestion ?? "copy it to \(joined.singleLine(limit: 300))")
    }
    let prefix = folder == "/" ? folder : folder + "/"
    guard target.hasPrefix(prefix) else { throw refuse("leaves the folder through a symbolic link") }
    return target
  }

  private static func real(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }
}
