import Glibc
import Policies

/// A new bundle on disk: all of it or nothing.
enum BundleFolder {
  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// Makes and removes again what `write` will make: what forbids it is better known before hours of computing than after.
  static func check(_ path: String) throws(FineTuningError) {
    guard !exists(path) else { throw FineTuningError(.input, "\(path): exists already; name another --output") }
    let (target, temporary) = places(path)
    func fail(_ what: String) -> FineTuningError {
      FineTuningError(
        .input, "\(what): cannot be made: \(String(cString: strerror(errno))); name another place with --output")
    }
    let parent = parent(of: target)
    let isParentMissing = parent.map { !exists($0) } ?? false
    if let parent, isParentMissing, mkdir(parent, 0o777) != 0 { throw fail(parent) }
    defer { if let parent, isParentMissing { rmdir(parent) } }
    guard mkdir(temporary, 0o777) == 0 else { throw fail(target) }
    rmdir(temporary)
  }

  private static func places(_ path: String) -> (target: String, temporary: String) {
    let target = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    return (target, "\(target).new-\(getpid())")
  }

  private static func parent(of target: String) -> String? {
    guard let slash = target.lastIndex(of: "/"), slash != target.startIndex else { return nil }
    return String(target[..<slash])
  }

  /// Writes the files into a folder beside `path`, loads them, which reproduces the golden vectors, and gives the folder its
  /// name.
  static func write(_ files: [(name: String, bytes: [UInt8])], to path: String) throws {
    let (target, temporary) = places(path)
    func fail(_ what: String) -> FineTuningError {
      let cause = String(cString: strerror(errno))
      for file in files { unlink("\(temporary)/\(file.name)") }
      rmdir(temporary)
      return FineTuningError(.input, "\(what): \(cause); free some space, or name another --output")
    }
    if let parent = parent(of: target), !exists(parent), mkdir(parent, 0o777) != 0 {
      throw fail("\(parent): the folder cannot be made")
    }
    guard mkdir(temporary, 0o777) == 0 else { throw fail("\(target): cannot be made") }
    for file in files {
      guard put(file.bytes, "\(temporary)/\(file.name)") else {
        throw fail("\(target)/\(file.name): cannot be written")
      }
    }
    do {
      _ = try PolicyLoader.load(path: temporary)
    } catch {
      for file in files { unlink("\(temporary)/\(file.name)") }
      rmdir(temporary)
      throw error
    }
    guard rename(temporary, target) == 0 else { throw fail("\(target): cannot be named") }
  }

  private static func put(_ bytes: [UInt8], _ path: String) -> Bool {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var position = 0
    while position < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress?.advanced(by: position), bytes.count - position)
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return false }
      position += count
    }
    return fsync(descriptor) == 0
  }
}
