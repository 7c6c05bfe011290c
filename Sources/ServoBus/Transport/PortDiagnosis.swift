import Glibc

/// Turns the system's refusals at opening a port into errors that say what to do.
enum PortDiagnosis {
  static func failed(_ path: String, _ message: String) -> PortError {
    PortError(.failed, path: path, message, suggestion: "unplug the adaptor, plug it in again and retry")
  }

  static func otherSpeed(_ path: String, asked: Int, found: Int) -> PortError {
    PortError(
      .wrongSpeed, path: path, "asked for \(asked) baud, the driver runs at \(found)",
      suggestion: "use a speed that this adaptor has, or another adaptor")
  }

  /// The path leads nowhere, or may not be used.
  static func inaccessible(_ path: String, _ device: String, _ reason: Int32) -> PortError {
    switch reason {
    case ENOENT, ENOTDIR:
      return PortError(
        .notFound, path: path, "there is no such port",
        suggestion: "plug the adaptor in, then look for it with 'sinew port list'")
    case EACCES, EPERM: return noRights(path, device)
    default: return failed(path, systemMessage(reason))
    }
  }

  /// The device is there, but could not be opened or claimed.
  static func unopened(_ path: String, _ device: String, _ reason: Int32) -> PortError {
    switch reason {
    case EBUSY, EWOULDBLOCK:
      let users = PortUsers.of(device)
      let who = users.isEmpty ? "another process" : users.map(\.description).joined(separator: ", ")
      return PortError(
        .busy, path: path, "it is in use by \(who)",
        suggestion: users.first.map { "end it first (kill \($0.process))" } ?? "end it first (sudo fuser -v \(device))")
    case EACCES, EPERM: return noRights(path, device)
    case ENOTTY, EINVAL:
      return PortError(
        .notASerialPort, path: path, "this is not a serial port",
        suggestion: "give a device such as /dev/ttyUSB0; pseudo-terminals are opened as such")
    case ENOENT, ENXIO, ENODEV: return inaccessible(path, device, ENOENT)
    default: return failed(path, systemMessage(reason))
    }
  }

  private static func noRights(_ path: String, _ device: String) -> PortError {
    var information = stat()
    var group = "dialout"
    if stat(device, &information) == 0, let entry = getgrgid(information.st_gid) {
      group = String(cString: entry.pointee.gr_name)
    }
    let remedy =
      group == "root"
      ? "sudo chgrp dialout \(device) && sudo chmod g+rw \(device)"
      : "sudo usermod -aG \(group) $USER, then log in again"
    return PortError(.noRights, path: path, "you may not use this port", suggestion: remedy)
  }
}

/// A process that has a device open.
struct PortUser: CustomStringConvertible {
  let process: Int
  let name: String
  var description: String { "\(name) (process \(process))" }
}

/// Who has a device open, as far as this user may see.
enum PortUsers {
  static func of(_ device: String) -> [PortUser] {
    var users: [PortUser] = []
    for entry in names(in: "/proc") {
      guard let process = Int(entry), process != Int(getpid()) else { continue }
      let folder = "/proc/\(process)/fd"
      guard names(in: folder).contains(where: { target(of: "\(folder)/\($0)") == device }) else { continue }
      users.append(PortUser(process: process, name: firstLine(of: "/proc/\(process)/comm") ?? "a process"))
    }
    return users
  }

  private static func names(in folder: String) -> [String] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      names.append(
        withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
    }
    return names
  }

  private static func target(of link: String) -> String? {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink(link, &buffer, buffer.count)
    return count > 0 ? String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
  }
}

/// The first line of a small file, or nil when it cannot be read.
func firstLine(of path: String) -> String? {
  guard let file = fopen(path, "re") else { return nil }
  defer { fclose(file) }
  var buffer = [CChar](repeating: 0, count: 256)
  guard fgets(&buffer, Int32(buffer.count), file) != nil else { return nil }
  let text = String(decoding: buffer.prefix { $0 != 0 && $0 != 10 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  return text
}
