import Glibc

/// Turns the system's refusals at opening a port into errors that say what to do.
enum PortDiagnosis {
  static func failed(_ path: String, _ message: String) -> PortError {
    PortError(.failed, path: path, message, suggestion: "unplug the adaptor, plug it in again and retry")
  }

  /// The path is something else than a way to a bus.
  static func notAPort(_ path: String, _ what: String) -> PortError {
    PortError(
      .notASerialPort, path: path, "\(what), not a port",
      suggestion: "give a device such as /dev/ttyUSB0; 'sinew port list' shows which there are")
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
    // A pseudo-terminal is its program's, and gone with it: groups are no help.
    guard !device.hasPrefix("/dev/pts/") else {
      return PortError(
        .noRights, path: path, "you may not use this port; it is another user's pseudo-terminal",
        suggestion: "start the program behind it as yourself, or give everybody the right: sudo chmod a+rw \(device)")
    }
    let group = owningGroup(of: device)
    let owner = group.map { "; it belongs to group \($0)" } ?? ""
    return PortError(
      .noRights, path: path, "you may not use this port\(owner)", suggestion: rightsRemedy(for: device, group: group))
  }

  /// The name of the group that a device belongs to; nil when it cannot be told.
  static func owningGroup(of device: String) -> String? {
    var information = stat()
    guard stat(device, &information) == 0, let entry = getgrgid(information.st_gid) else { return nil }
    return String(cString: entry.pointee.gr_name)
  }

  /// The command that gives this user the right to a device.
  static func rightsRemedy(for device: String, group: String?) -> String {
    // Nobody should join root's group for a serial port: the port joins the one that is meant for them.
    group == "root"
      ? "sudo chgrp dialout \(device) && sudo chmod g+rw \(device)"
      : "sudo usermod -aG \(group ?? "dialout") $USER, then log in again"
  }
}
