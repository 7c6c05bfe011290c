import Glibc

/// Why a pad cannot be used as wanted: one line with what happened, where, and what to do next.
public struct GamepadError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kinds of failure, for programs.
  public enum Kind: Sendable, Equatable {
    case notFound, notAGamepad, noRights, busy, unknownLayout, failed
  }
  public let kind: Kind
  public let path: String
  public let message: String
  public let suggestion: String

  init(_ kind: Kind, path: String, _ message: String, suggestion: String) {
    self.kind = kind
    self.path = path
    self.message = message
    self.suggestion = suggestion
  }

  public var description: String { "\(path): \(message); \(suggestion)" }

  /// The system's refusal to open or use a device.
  static func refused(_ path: String, _ reason: Int32) -> GamepadError {
    switch reason {
    case ENOENT, ENOTDIR, ENXIO, ENODEV:
      GamepadError(
        .notFound, path: path, "there is no such device",
        suggestion: "plug the pad in, then look with 'sinew gamepad list'")
    case EACCES, EPERM:
      GamepadError(.noRights, path: path, "you may not read this pad", suggestion: PadAccess.remedy)
    case EBUSY:
      GamepadError(
        .busy, path: path, "another program keeps this pad to itself: \(DeviceUsers.text(of: path))",
        suggestion: "end that program, then plug the pad in again")
    default:
      GamepadError(
        .failed, path: path, String(cString: strerror(reason)), suggestion: "unplug the pad, plug it in again and retry"
      )
    }
  }
}

/// The right to read pads.
public enum PadAccess {
  /// The udev rule that lets the user of the seat read pads, and the group `plugdev` everywhere else (SSH, services).
  /// Joysticks only: the group `input` would see every keyboard, too.
  public static var rule: String {
    #"SUBSYSTEM=="input", ENV{ID_INPUT_JOYSTICK}=="1", TAG+="uaccess", GROUP="plugdev", MODE="0660""#
  }

  /// Where the rule goes: after udev has found out what the device is, before it hands devices to the seat.
  public static var ruleFile: String { "/etc/udev/rules.d/70-sinew-gamepads.rules" }

  /// The commands that mend a missing right, on one line.
  static var remedy: String {
    "run: echo '\(rule)' | sudo tee \(ruleFile) && sudo udevadm control --reload && sudo usermod -aG plugdev $USER, "
      + "then log in and plug the pad in again"
  }
}

/// Who has a device open, as far as this user may see.
enum DeviceUsers {
  static func text(of path: String) -> String {
    let users = Files.names(in: "/proc").compactMap(Int.init).filter { process in
      process != Int(getpid())
        && Files.names(in: "/proc/\(process)/fd").contains { Files.target(of: "/proc/\(process)/fd/\($0)") == path }
    }
    if users.isEmpty { return "an unknown one ('sudo fuser -v \(path)' names it)" }
    return users.map { "\(Files.firstLine(of: "/proc/\($0)/comm") ?? "a process") (process \($0))" }
      .joined(separator: ", ")
  }
}

/// Small files of the system.
enum Files {
  /// The first line of a small file, or nil when it cannot be read.
  static func firstLine(of path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = read(descriptor, &buffer, buffer.count)
    guard count >= 0 else { return nil }
    return String(decoding: buffer[..<count].prefix { $0 != 10 }, as: UTF8.self)
  }

  /// The names in a folder, none when it cannot be read.
  static func names(in folder: String) -> [String] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      names.append(
        withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
    }
    return names.filter { $0 != "." && $0 != ".." }
  }

  /// Where a link points.
  static func target(of link: String) -> String? {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink(link, &buffer, buffer.count)
    return count > 0 ? String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
  }
}
