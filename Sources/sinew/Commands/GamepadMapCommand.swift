import ArgumentParser
import CSystem
import Foundation
import Gamepads
import Glibc

/// `sinew gamepad map`: a guided mapping.
struct GamepadMapCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "map",
    abstract: "Map a gamepad: press what is asked for; writes a mapping file.",
    discussion: """
      Sinew uses the file for this model of pad from then on. Beside the questions, Enter leaves an optional control out, \
      b and Enter goes back, q and Enter stops. What was found by then is kept and asked for no more at the next start; \
      --restart begins anew.

      Examples:
        sinew gamepad map
        sinew gamepad map --pad /dev/input/event5 --output my-pad.yaml

      Exit codes: 0 the file is written; 1 stopped before the end, or the pad was lost; 2 wrong input.
      """)

  @Option(help: ArgumentHelp("The pad's device. Default: the only one there is.", valueName: "path"))
  var pad: String?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The file to write. Default: in ~/.config/sinew/gamepads.", valueName: "file"))
  var output: String?

  @Flag(help: "Forget what an earlier, unfinished mapping found.")
  var restart = false

  @Flag(help: "Replace a mapping file that exists.")
  var force = false

  mutating func run() throws {
    let path = try choosePad()
    let raw: RawPad
    do throws(GamepadError) { raw = try RawPad(path: path) } catch { throw RunFailure(error.description) }
    let identity = raw.identity
    let file = try chooseFile(identity)
    if !force && access(file, F_OK) == 0 {
      throw InputError("\(file): exists already; choose another name with --output, or --force replaces it")
    }
    let partial = file + ".partial"
    var known: [PadControl: PadSource] = [:]
    if !restart, access(partial, F_OK) == 0 {
      let kept = try checkingInput { try MappingFile.load(path: partial, partial: true) }
      if kept.describes(identity) {
        known = kept.mapping.sources
        printError("going on with \(known.count) controls from \(partial); --restart begins anew")
      }
    }
    guard sinew_install_stop_signals() == 0 else { throw RunFailure("stop signals could not be installed") }
    var guide = MappingGuide(
      capabilities: raw.capabilities, keysDown: raw.keysDown, axisValues: raw.axisValues, known: known,
      now: sinew_now_ns())
    printError("\(identity.name) (\(identity.path)). Enter: leave out; b and Enter: back; q and Enter: stop.")
    let end = ask(raw, &guide)
    guard end == .finished else {
      guard !guide.sources.isEmpty else { throw RunFailure(end.rawValue + "; nothing was found yet") }
      try NewFile.write(result(identity, guide).text, to: partial, replacing: true)
      throw RunFailure("\(end.rawValue); the same command goes on with the \(guide.sources.count) controls found")
    }
    let mapping = result(identity, guide)
    let missing = mapping.layout.missing(in: mapping.mapping)
    guard missing.isEmpty else {
      throw RunFailure("these controls are still missing: \(missing.joined(separator: ", ")); run the command again")
    }
    try NewFile.write(mapping.text, to: file, replacing: force)
    unlink(partial)
    print(file)
    printError("written; try it with 'sinew gamepad test'")
  }

  private func choosePad() throws -> String {
    if let pad { return pad }
    let pads = PadDiscovery.scan()
    guard let first = pads.first else {
      throw RunFailure("no gamepad found; plug one in, then look with 'sinew gamepad list'")
    }
    guard pads.count == 1 else {
      throw InputError(
        "there are \(pads.count) gamepads; choose one with --pad: \(pads.map(\.identity.path).joined(separator: ", "))")
    }
    return first.identity.path
  }

  private func chooseFile(_ identity: PadIdentity) throws -> String {
    if let output { return output }
    guard let folder = PadMapper.userFolder else {
      throw InputError("neither HOME nor XDG_CONFIG_HOME is set; name the file with --output")
    }
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw RunFailure("\(folder): cannot be made: \(error.localizedDescription); name a file with --output")
    }
    return "\(folder)/\(identity.model.replacing(":", with: "-")).yaml"
  }

  private func result(_ identity: PadIdentity, _ guide: MappingGuide) -> MappingFile {
    let labels: PadLabels = identity.vendor == 0x054C ? .playstation : identity.vendor == 0x057E ? .nintendo : .xbox
    var mapping = PadMapping(origin: "guided", labels: labels, sources: guide.sources)
    mapping.calibration = guide.calibration
    return MappingFile(
      name: identity.name, bus: identity.bus, vendor: identity.vendor, product: identity.product, mapping: mapping)
  }

  // MARK: Asking

  private enum End: String {
    case finished, stopped, lost = "the gamepad is gone"
  }

  private func ask(_ raw: borrowing RawPad, _ guide: inout MappingGuide) -> End {
    var asked: MappingGuide.Step?
    var keyboard = KeyboardLines()
    while guide.step != .done {
      if guide.step != asked {
        asked = guide.step
        printError(Self.prompt(guide))
      }
      if sinew_stop_requests() > 0 { return .stopped }
      var answer: MappingGuide.Answer?
      switch raw.next(until: sinew_now_ns() + 20_000_000) {
      case .event(let event): answer = guide.take(event, now: sinew_now_ns())
      case .lost: guide.restart(keysDown: raw.keysDown, axisValues: raw.axisValues)
      case .gone: return .lost
      case .nothing: break
      }
      answer = answer ?? guide.tick(now: sinew_now_ns())
      switch answer {
      case .found(let control, let source): printError("  \(control.rawValue) is \(source.text)")
      case .refused(let reason): printError("  \(reason); once more")
      case .advanced, nil: break
      }
      switch keyboard.next() {
      case "q": return .stopped
      case "b": if guide.back() { asked = nil }
      case "": if !guide.skip() { printError("  this one is needed") }
      case .some: printError("  Enter: leave out; b and Enter: back; q and Enter: stop")
      case nil: break
      }
    }
    return .finished
  }

  private static func prompt(_ guide: MappingGuide) -> String {
    let left = guide.remaining > 0 ? "[\(guide.remaining) left] " : ""
    return left + guide.question
      + (guide.isOptional ? " (Enter if there is none)" : "")
  }
}

/// Lines from standard input, without waiting for them. At the end of the input there are no more lines.
private struct KeyboardLines {
  private var text: [UInt8] = []
  private var isOpen = true

  /// The next whole line, without spaces around it.
  mutating func next() -> String? {
    while let end = text.firstIndex(of: 10) {
      let line = String(decoding: text[..<end], as: UTF8.self)
      text.removeSubrange(...end)
      return line.trimmingCharacters(in: .whitespaces).lowercased()
    }
    var entry = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
    guard isOpen, poll(&entry, 1, 0) > 0 else { return nil }
    var buffer = [UInt8](repeating: 0, count: 256)
    let count = read(STDIN_FILENO, &buffer, buffer.count)
    if count <= 0 { isOpen = false } else { text += buffer[..<count] }
    return nil
  }
}
