import ArmModel
import CEvdev
import CSystem
import Glibc

/// Something that happened around the pad, for the person.
public enum GamepadNote: Sendable, Equatable {
  case connected(PadIdentity, mapping: String)
  case lost(PadIdentity, reason: String)
  /// Another pad is there and not listened to.
  case ignored(PadIdentity)
  case refused(GamepadError)
  case eventsLost

  /// One line.
  public var text: String {
    switch self {
    case .connected(let pad, let mapping):
      "\(pad.name) connected (\(pad.path), \(pad.busName), \(mapping))"
    case .lost(let pad, let reason): "\(pad.name) is gone: \(reason)"
    case .ignored(let pad): "\(pad.name) (\(pad.path)) is ignored: another pad is in use; choose one with --pad"
    case .refused(let error): error.description
    case .eventsLost: "events of the pad were lost; let the enable button go and press it anew"
    }
  }
}

/// What a monitor listens to, and how.
public struct GamepadOptions: Sendable {
  /// The device to use: a path below `/dev/input`, best one of `by-id`. Nil: the first pad there is.
  public var path: String?
  /// Whether the pad is kept from other programs.
  public var grabs = false
  /// What pads are known.
  public var mapper: PadMapper

  public init(mapper: PadMapper, path: String? = nil, grabs: Bool = false) {
    self.mapper = mapper
    self.path = path
    self.grabs = grabs
  }
}

/// Waits for a pad, listens to it, notices when it goes, and waits again. Owns the device; belongs to one thread.
///
/// Before a pad has appeared the input says that nobody is there. A pad that comes back starts anew: unknown axes,
/// untrusted enable.
public struct GamepadMonitor: ~Copyable {
  /// How often pads are looked for without being told of one, ns.
  var lookInterval: Int64 = 1_000_000_000
  /// The most events taken before the input is handed on: a flood must not delay it.
  var mostEventsPerTurn = 512
  /// Whether the last turn ended there. The events that are left may have been read from the device already, which then has
  /// nothing more to tell of them: the next turn must not wait for it.
  private var hasEventsLeft = false
  private let options: GamepadOptions
  private var watch = DeviceWatch()
  private var binding: PadBinding
  private var device: PadDevice?
  private var heartbeat: HeartbeatDevice?
  private var rumble = Rumble()
  private var told: Set<String> = []
  private var nextLook: Int64 = 0
  private var notes: [GamepadNote] = []
  /// The pad's state machine while a pad is there.
  public private(set) var interpreter: PadInterpreter?
  /// What the person says, as of the last `poll`.
  public private(set) var input = OperatorInput()
  /// The pad's range and codes while one is there.
  public private(set) var capabilities: PadCapabilities?
  /// Raw events of the last `poll`, where they are kept (guided mapping, the live picture).
  public private(set) var events: [PadEvent] = []
  /// Whether `events` is filled.
  public var keepsEvents = false

  public init(options: GamepadOptions) {
    self.options = options
    binding = PadBinding(pinnedPath: options.path)
  }

  /// The pad that is listened to; nil while none is there.
  public var identity: PadIdentity? { binding.isPresent ? binding.bound : nil }

  /// What has happened since the last call.
  public mutating func takeNotes() -> [GamepadNote] {
    defer { notes.removeAll() }
    return notes
  }

  /// Begins a rumble on the pad, if there is one and it can.
  public mutating func play(_ pattern: RumblePattern) { rumble.begin(pattern, now: sinew_now_ns()) }

  /// Waits for something to happen, until `deadline` (monotonic ns) at most, and takes it in. Call it at least every
  /// 10 ms or so: silence is noticed and the input's stamp renewed only here.
  public mutating func poll(until deadline: Int64) {
    events.removeAll(keepingCapacity: true)
    var now = sinew_now_ns()
    if now >= nextLook { look(now: now) }
    wait(until: min(deadline, nextLook), now: now)
    now = sinew_now_ns()
    if watch.drain() { look(now: now) }
    if let beats = heartbeat?.drain(), beats { interpreter?.heard(now: now) }
    device?.play(&rumble, now: now)
    interpreter?.tick(now: now)
    if let current = interpreter?.input { input = current }
    input.stamp = now
  }

  private mutating func wait(until deadline: Int64, now: Int64) {
    let descriptor = device?.descriptor ?? -1
    var entries = [
      pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
      pollfd(fd: watch.descriptor, events: Int16(POLLIN), revents: 0),
    ]
    // Rounded up: a wait of zero would spin.
    let left = hasEventsLeft ? 0 : (max(0, deadline - now) + 999_999) / 1_000_000
    guard Glibc.poll(&entries, 2, Int32(clamping: left)) > 0 || hasEventsLeft else { return }
    let found = entries[0].revents
    let after = sinew_now_ns()
    if found & Int16(POLLIN) != 0 || hasEventsLeft { read(now: after) }
    // A device that has gone shows so even while it has events left, which count no more.
    if binding.isPresent && found & Int16(POLLHUP | POLLERR | POLLNVAL) != 0 {
      lose("unplugged or switched off", now: after)
    }
  }

  private mutating func read(now: Int64) {
    hasEventsLeft = false
    for _ in 0..<mostEventsPerTurn {
      switch device?.read(now: now) ?? .nothing {
      case .event(let event):
        if keepsEvents { events.append(event) }
        interpreter?.take(event, now: now)
      case .lost:
        resynchronise(now: now)
        if !binding.isPresent { return }
      case .nothing: return
      case .gone(let reason):
        lose(reason == ENODEV ? "unplugged or switched off" : String(cString: strerror(reason)), now: now)
        return
      }
    }
    hasEventsLeft = true
  }

  private mutating func resynchronise(now: Int64) {
    notes.append(.eventsLost)
    interpreter?.beginLoss(now: now)
    while true {
      switch device?.resynchronise(now: now) ?? .nothing {
      case .event(let event):
        if keepsEvents { events.append(event) }
        interpreter?.take(event, now: now)
      case .nothing, .lost:
        interpreter?.endLoss(now: now)
        return
      case .gone(let reason):
        lose(String(cString: strerror(reason)), now: now)
        return
      }
    }
  }

  private mutating func lose(_ reason: String, now: Int64) {
    if let pad = binding.bound { notes.append(.lost(pad, reason: reason)) }
    binding.lose(others: Self.paths())
    input = interpreter?.gone(now: now) ?? input
    interpreter = nil
    capabilities = nil
    heartbeat = nil
    device = nil
    hasEventsLeft = false
    rumble.reset()
    // The device file outlives its pad by a moment.
    nextLook = now + 100_000_000
  }

  private static func paths() -> Set<String> {
    Set(PadDiscovery.eventNumbers().map { "\(PadDiscovery.folder)/event\($0)" })
  }

  // MARK: Looking for pads

  private mutating func look(now: Int64) {
    nextLook = now + lookInterval
    let paths = Self.paths()
    binding.see(paths)
    told.formIntersection(paths)
    if binding.isPresent {
      // Of a second pad one line is said; nothing more is asked of it.
      for path in paths.subtracting(told) where path != binding.bound?.path {
        if let found = PadDiscovery.examine(path) { tell(.ignored(found.identity), path) } else { told.insert(path) }
      }
      return
    }
    for path in paths.sorted(by: Self.inOrder) {
      guard let found = PadDiscovery.examine(path) else { continue }
      guard binding.admits(found.identity) else {
        tell(.ignored(found.identity), path)
        continue
      }
      do throws(GamepadError) {
        try attach(found, now: now)
        told.remove(path)
      } catch  where error.kind == .notFound {
        // It has gone in the meantime.
      } catch {
        tell(.refused(error), path)
      }
      if binding.isPresent { return look(now: now) }
    }
  }

  private static func inOrder(_ a: String, _ b: String) -> Bool { (a.utf8.count, a) < (b.utf8.count, b) }

  private mutating func tell(_ note: GamepadNote, _ path: String) {
    if told.insert(path).inserted { notes.append(note) }
  }

  private mutating func attach(_ found: FoundPad, now: Int64) throws(GamepadError) {
    let (mapping, layout) = try options.mapper.mapping(for: found.identity, found.capabilities)
    if let problem = found.problem { throw problem }
    let opened = try PadDevice(path: found.identity.path, grabbing: options.grabs)
    // The file of a pad that was pulled may stay for a moment.
    guard !opened.isHungUp else { throw GamepadError.refused(found.identity.path, ENODEV) }
    if found.identity.isWireless, let path = found.heartbeatPath { heartbeat = HeartbeatDevice(path: path) }
    let hasHeartbeat = heartbeat != nil
    interpreter = PadInterpreter(
      mapping: mapping, layout: layout, capabilities: opened.capabilities, keysDown: opened.keysDown,
      axisValues: opened.axisValues, link: .init(isWireless: found.identity.isWireless, hasHeartbeat: hasHeartbeat),
      previous: input, now: now)
    capabilities = opened.capabilities
    device = consume opened
    binding.bind(found.identity)
    notes.append(.connected(found.identity, mapping: mapping.origin))
  }
}

extension PadDevice {
  /// Lets a rumble go on.
  fileprivate func play(_ rumble: inout Rumble, now: Int64) { rumble.tick(self, now: now) }
}
