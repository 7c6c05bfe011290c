/// What is wrong with the servos that a scan found, and what to do about it: one line each, the worst first.
public enum BusAdvice {
  /// Looks at all that a scan found.
  ///
  /// - Parameters:
  ///   - duplicates: ids at which more than one servo answers.
  ///   - expected: the ids in the order of the cable, where the user said so.
  ///   - asked: the line that was given; nil when all were to be tried.
  public static func lines(
    _ servos: [FoundServo], duplicates: [UInt8] = [], expected: [UInt8] = [], asked: BusLine? = nil
  ) -> [String] {
    duplicates.sorted().map(duplicate) + speeds(servos, asked) + missing(servos, expected) + servos.compactMap(supply)
      + servos.compactMap(errors) + firmware(servos) + servos.compactMap(unknown)
  }

  /// Two servos at one id.
  public static func duplicate(_ id: UInt8) -> String {
    "several servos answer at id \(id), as new ones do: connect them one at a time and give each its own with 'sinew servo set-id'"
  }

  private static func speeds(_ servos: [FoundServo], _ asked: BusLine?) -> [String] {
    let lines = Set(servos.map(\.line)).sorted { ($0.wire.name, $0.baud) < ($1.wire.name, $1.baud) }
    if lines.count > 1 {
      let parts = lines.map { line in "\(line): \(list(servos.filter { $0.line == line }.map(\.id)))" }
      return [
        "servos of one bus must speak alike, and these do not (\(parts.joined(separator: "; "))): set one speed with 'sinew servo set-baud'"
      ]
    }
    guard let asked, let line = lines.first, line != asked else { return [] }
    if line.wire != asked.wire {
      return ["they speak \(line), not \(asked): give --protocol \(line.wire.name) --baud \(line.baud)"]
    }
    return [
      "they answer at \(line.baud) baud, not at \(asked.baud): give --baud \(line.baud), or change them with 'sinew servo set-baud \(asked.baud) --baud \(line.baud)'"
    ]
  }

  private static func missing(_ servos: [FoundServo], _ expected: [UInt8]) -> [String] {
    let heard = Set(servos.map(\.id))
    let absent = expected.filter { !heard.contains($0) }
    guard !absent.isEmpty else { return [] }
    let what = absent.count == 1 ? "servo \(absent[0]) does not answer" : "servos \(list(absent)) do not answer"
    guard let last = expected.last(where: heard.contains) else {
      return ["\(what): check the supply, and the cable to the first servo"]
    }
    // All behind one place are silent: the break is there. Otherwise it is the servos themselves.
    if let next = expected.firstIndex(of: last).map({ $0 + 1 }), Array(expected[next...]) == absent {
      return [
        "\(what): check the cable and plugs from servo \(last) to servo \(absent[0]), and servo \(absent[0]) itself"
      ]
    }
    return ["\(what), but others behind do: check id, speed and plugs of just these"]
  }

  private static func supply(_ servo: FoundServo) -> String? {
    guard let voltage = servo.voltage, let limits = servo.voltageLimits, !limits.contains(voltage) else { return nil }
    if voltage < limits.lowerBound {
      return
        "servo \(servo.id) has \(volts(voltage)), less than its limit of \(volts(limits.lowerBound)): check that the supply is on, strong enough, and of the servo's voltage"
    }
    return
      "servo \(servo.id) has \(volts(voltage)), more than its limit of \(volts(limits.upperBound)): switch the supply off and use one of the servo's voltage"
  }

  private static func errors(_ servo: FoundServo) -> String? {
    // The supply has a line of its own.
    let errors = servo.errors.filter { !($0.hasSuffix("voltage") && supply(servo) != nil) }
    guard !errors.isEmpty else { return nil }
    let remedy =
      servo.line.wire == .dynamixel2
      ? "find the cause, then 'sinew servo reboot --id \(servo.id)'"
      : "take its load away and let it cool, then 'sinew servo write torque_enable 0 --id \(servo.id)'"
    return "servo \(servo.id) reports \(errors.joined(separator: ", ")): \(remedy)"
  }

  private static func firmware(_ servos: [FoundServo]) -> [String] {
    var advice: [String] = []
    for name in Set(servos.map(\.modelName)).sorted() {
      var versions: [(version: String, ids: [UInt8])] = []
      for servo in servos where servo.modelName == name {
        if let index = versions.firstIndex(where: { $0.version == servo.answer.firmware }) {
          versions[index].ids.append(servo.id)
        } else {
          versions.append((servo.answer.firmware, [servo.id]))
        }
      }
      guard versions.count > 1 else { continue }
      let parts = versions.map { "\($0.version) (id \(list($0.ids)))" }
      advice.append(
        "the \(name) have different firmware, \(parts.joined(separator: " and ")), which may behave differently: bring all to one version with the maker's program"
      )
    }
    return advice
  }

  private static func unknown(_ servo: FoundServo) -> String? {
    guard servo.model == nil else { return nil }
    return
      "servo \(servo.id) has model number \(servo.answer.modelNumber), which is not known: name the model most like it with --model"
  }

  private static func volts(_ value: Double) -> String { "\((value * 10).rounded() / 10) V" }

  /// Ids as they are written on the command line: "1-3,5".
  public static func list(_ ids: [UInt8]) -> String {
    var parts: [String] = []
    var rest = Array(Set(ids)).sorted()[...]
    while let first = rest.popFirst() {
      var last = first
      while let next = rest.first, Int(next) == Int(last) + 1 {
        last = next
        rest = rest.dropFirst()
      }
      parts.append(last == first ? "\(first)" : "\(first)-\(last)")
    }
    return parts.joined(separator: ",")
  }
}
