import Configuration
import Glibc

/// The file that keeps one servo's EEPROM: YAML, a register a line, replaced as a whole.
struct EepromFile {
  let path: String

  /// The file of servo `slot` (from 0) in `folder`, which is made when it is missing. The slot is the servo's place on
  /// the bus: its id is among what the file keeps.
  init(folder: String, slot: Int) throws(VirtualServoError) {
    if mkdir(folder, 0o755) != 0, errno != EEXIST {
      throw VirtualServoError("the EEPROM folder '\(folder)' cannot be made: \(String(cString: strerror(errno)))")
    }
    path = "\(folder)/servo-\(slot + 1).yaml"
  }

  /// What was kept; empty when there is no file yet.
  func load(model: ServoModel) throws(VirtualServoError) -> [String: Int] {
    guard access(path, F_OK) == 0 else { return [:] }
    do throws(ConfigurationError) {
      let root = try ConfigurationNode.load(path: path)
      try root.allowOnly(["model", "registers"])
      let name = try root.child("model")
      guard try name.string() == model.name else {
        throw name.error(
          "this is the EEPROM of a \(try name.string()), the servo is a \(model.name)",
          suggestion: "use another --eeprom folder")
      }
      let registers = try root.child("registers")
      let known = model.registers.filter { $0.area == .eeprom && $0.isWritable }
      try registers.allowOnly(known.map { $0.name })
      var values: [String: Int] = [:]
      for (key, node) in try registers.entries() {
        let bits = (known.first { $0.name == key }?.size ?? 1) * 8
        values[key] = try node.integer(in: -(1 << (bits - 1))...((1 << bits) - 1))
      }
      return values
    } catch {
      throw VirtualServoError(error.description)
    }
  }

  /// Keeps `values`.
  func save(model: ServoModel, values: [(String, Int)]) throws(VirtualServoError) {
    var text = "# EEPROM of a virtual servo.\nmodel: \(model.name)\nregisters:\n"
    for (name, value) in values { text += "  \(name): \(value)\n" }
    let temporary = path + ".new"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw failure() }
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      guard count > 0 || errno == EINTR else {
        let error = failure()
        close(descriptor)
        throw error
      }
      bytes = bytes.dropFirst(max(count, 0))
    }
    close(descriptor)
    guard rename(temporary, path) == 0 else { throw failure() }
  }

  private func failure() -> VirtualServoError {
    VirtualServoError("\(path): the EEPROM cannot be kept: \(String(cString: strerror(errno)))")
  }
}
