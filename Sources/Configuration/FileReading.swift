import Glibc

/// Opens `path` for reading if it is a regular file, else says what it is. The caller closes the descriptor.
func openRegularFile(_ path: String) throws(ConfigurationError) -> (descriptor: Int32, size: Int) {
  guard !path.isEmpty, !path.utf8.contains(0) else {
    throw ConfigurationError(file: path.isEmpty ? "(no file name)" : path, message: "not a file name")
  }
  // O_NONBLOCK: opening a named pipe must not wait for its writer.
  let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
  guard descriptor >= 0 else {
    let code = errno
    if code == ENOENT { throw ConfigurationError(file: path, message: "no such file", suggestion: "check the path") }
    throw ConfigurationError(
      file: path, message: "cannot be opened: \(String(cString: strerror(code)))",
      suggestion: code == EACCES ? "check the file's permissions" : nil)
  }
  var status = stat()
  guard fstat(descriptor, &status) == 0 else {
    let code = errno
    close(descriptor)
    throw ConfigurationError(file: path, message: "cannot be examined: \(String(cString: strerror(code)))")
  }
  guard status.st_mode & S_IFMT == S_IFREG else {
    close(descriptor)
    let isFolder = status.st_mode & S_IFMT == S_IFDIR
    throw ConfigurationError(
      file: path, message: isFolder ? "is a folder" : "is not a regular file", suggestion: "name a file")
  }
  return (descriptor, Int(status.st_size))
}

/// Reads into `buffer`, restarting after signals; 0 at the end of the file.
func readSome(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer, file: String)
  throws(ConfigurationError) -> Int
{
  while true {
    let count = read(descriptor, buffer.baseAddress, buffer.count)
    if count >= 0 { return count }
    let code = errno
    guard code == EINTR else {
      throw ConfigurationError(file: file, message: "cannot be read: \(String(cString: strerror(code)))")
    }
  }
}

/// The text of a regular file of at most `limit` bytes in UTF-8.
func readText(_ path: String, limit: Int) throws(ConfigurationError) -> String {
  let (descriptor, size) = try openRegularFile(path)
  defer { close(descriptor) }
  guard size <= limit else { throw tooLarge(path, limit: limit) }
  // The size may be stale or (in /proc) zero: read to the end, one byte past the limit at most.
  let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: limit + 1, alignment: 16)
  defer { buffer.deallocate() }
  var count = 0
  while count <= limit {
    let more = try readSome(descriptor, into: .init(rebasing: buffer[count...]), file: path)
    if more == 0 { break }
    count += more
  }
  guard count <= limit else { throw tooLarge(path, limit: limit) }
  let bytes = buffer[..<count].lazy.map { $0 as UInt8 }
  guard let text = String(validating: bytes, as: UTF8.self) else {
    throw ConfigurationError(file: path, message: "is not UTF-8 text", suggestion: "save it as UTF-8")
  }
  return text
}

func tooLarge(_ file: String, limit: Int) -> ConfigurationError {
  ConfigurationError(
    file: file, message: "is larger than \(limit / 1_048_576) MiB, the most a configuration may have",
    suggestion: "check that this is the file you meant")
}
