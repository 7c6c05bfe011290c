import Configuration
import Glibc
import Learning

/// A file of a run could not be read or written: one line.
public struct TrainingError: Error, CustomStringConvertible, Sendable {
  public let description: String
  public init(_ description: String) { self.description = description }
}

/// The files of one training run, in a folder of its own.
struct RunFiles: Sendable {
  let folder: String

  var settings: String { folder + "/settings.yaml" }
  var checkpoint: String { folder + "/checkpoint.bin" }
  var curve: String { folder + "/curve.csv" }
  var picture: String { folder + "/curve.svg" }
  var pixels: String { folder + "/curve.png" }
  var policy: String { folder + "/policy" }

  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// Makes a folder with all those above it.
  static func makeFolder(_ path: String) throws(TrainingError) {
    var done = path.hasPrefix("/") ? "/" : ""
    for part in path.split(separator: "/") {
      done += (done.isEmpty || done.hasSuffix("/") ? "" : "/") + part
      guard mkdir(done, 0o777) != 0, errno != EEXIST else { continue }
      throw TrainingError("\(done): cannot be made: \(String(cString: strerror(errno))); name another --output")
    }
  }

  /// Removes a folder with the files of these names; one that holds anything else stays.
  static func removeFolder(_ path: String, holding names: [String]) {
    for name in names { unlink(path + "/" + name) }
    rmdir(path)
  }

  /// Gives a folder another name, which is not taken.
  static func rename(_ path: String, to name: String) throws(TrainingError) {
    guard Glibc.rename(path, name) == 0 else {
      throw TrainingError("\(name): cannot be named: \(String(cString: strerror(errno))); move what stands there away")
    }
    syncFolder(of: name)
  }

  /// The new name must survive a power cut, too.
  private static func syncFolder(of path: String) {
    let slash = path.lastIndex(of: "/")
    let parent = open(slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? ".", O_RDONLY | O_CLOEXEC)
    if parent >= 0 {
      fsync(parent)
      close(parent)
    }
  }

  static func read(_ path: String) throws(TrainingError) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw TrainingError("\(path): cannot be read: \(String(cString: strerror(errno)))") }
    defer { close(descriptor) }
    // A checkpoint with a replay buffer may have many gigabytes; what is no file has no end that could be known before.
    var status = stat()
    let isFile = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    let most = isFile ? Int(status.st_size) : 1 << 30
    var bytes: [UInt8] = []
    bytes.reserveCapacity(isFile ? most : 0)
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw TrainingError("\(path): cannot be read: \(String(cString: strerror(errno)))") }
      if count == 0 { return bytes }
      bytes.append(contentsOf: chunk[..<count])
      guard bytes.count <= most else { throw TrainingError("\(path): is too large to be a file of a training run") }
    }
  }

  /// Writes a file in one step: whoever reads it, also after a crash, sees the old one or the new one.
  static func write(_ bytes: [UInt8], to path: String) throws(TrainingError) {
    let temporary = path + ".new"
    func fail() -> TrainingError {
      let cause = String(cString: strerror(errno))
      unlink(temporary)
      return TrainingError("\(path): cannot be written: \(cause); free some space, or name another --output")
    }
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw fail() }
    var position = 0
    var isWritten = true
    bytes.withUnsafeBytes { buffer in
      while position < buffer.count, isWritten {
        let count = Glibc.write(descriptor, buffer.baseAddress?.advanced(by: position), buffer.count - position)
        if count < 0 && errno == EINTR { continue }
        isWritten = count > 0
        position += max(0, count)
      }
    }
    let isSafe = isWritten && fsync(descriptor) == 0
    close(descriptor)
    guard isSafe, Glibc.rename(temporary, path) == 0 else { throw fail() }
    syncFolder(of: path)
  }
}

/// A run's state in a file: a line that says what it is, the digest of the rest, the rest.
enum Checkpoint {
  private static let magic = "sinew checkpoint 1\n"

  static func write(_ payload: [UInt8], to path: String) throws(TrainingError) {
    let digest = payload.withUnsafeBytes { ContentHash.sha256($0) }
    try RunFiles.write(Array((magic + digest + "\n").utf8) + payload, to: path)
  }

  static func read(_ path: String) throws(TrainingError) -> [UInt8] {
    let bytes = try RunFiles.read(path)
    let head = magic.utf8.count + 65
    guard bytes.count >= head, bytes.starts(with: magic.utf8) else {
      throw TrainingError("\(path): is no checkpoint of this version; train anew")
    }
    let payload = Array(bytes[head...])
    let digest = payload.withUnsafeBytes { ContentHash.sha256($0) }
    guard bytes[magic.utf8.count..<(head - 1)].elementsEqual(digest.utf8) else {
      throw TrainingError("\(path): its checksum is wrong: the file is damaged; restore it, or train anew")
    }
    return payload
  }
}
