import Glibc

/// A process that has a port open.
public struct PortUser: Sendable, Equatable, CustomStringConvertible {
  /// The process's id.
  public let process: Int
  /// The process's name.
  public let name: String
  public var description: String { "\(name) (process \(process))" }
}

/// Who has a device open, as far as this user may see: other users' processes show their files to root only.
enum PortUsers {
  static func of(_ device: String) -> [PortUser] { of([device])[device] ?? [] }

  /// The users of several devices, found in one pass over all processes. This process does not count.
  static func of(_ devices: Set<String>) -> [String: [PortUser]] {
    var users: [String: [PortUser]] = [:]
    for process in entryNames(in: "/proc").compactMap({ Int($0) }).sorted() where process != Int(getpid()) {
      let folder = "/proc/\(process)/fd"
      let open = Set(entryNames(in: folder).compactMap { linkTarget(of: "\(folder)/\($0)") })
      for device in open.intersection(devices) {
        let name = firstLine(of: "/proc/\(process)/comm") ?? "a process"
        users[device, default: []].append(PortUser(process: process, name: name))
      }
    }
    return users
  }
}
