/// Why a scan could not go on.
public enum BusScanError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The port cannot be opened at some speed.
  case port(PortError)
  /// The port failed.
  case bus(BusError)

  public var description: String {
    switch self {
    case .port(let error): error.description
    case .bus(let error): error.description
    }
  }
}

/// Looks for servos on a port: over ids, speeds and protocols.
public struct BusScan: Sendable {
  /// What the user named as the way to the bus.
  public let path: String
  public let ids: [UInt8]
  /// What the servos may speak.
  public let protocols: [WireProtocol]
  /// How long an id may stay silent beyond the time on the wire and what the adaptor keeps back, ns.
  public var patience = BusScan.usualPatience
  /// A USB round trip and a servo's turnaround, ns.
  public static var usualPatience: Int64 { 5_000_000 }
  /// What is worth telling about the adaptor, each once.
  public private(set) var notes: [String] = []

  public init(path: String, ids: [UInt8], protocols: [WireProtocol]) {
    self.path = path
    self.ids = ids
    self.protocols = protocols
  }

  /// What to try at a speed. Three protocols share one frame, and one of them finds the servos of all.
  public func lines(baud: Int) -> [BusLine] { families.map { BusLine($0[0], baud: baud) } }

  /// Everything to try: all speeds that servos of the protocols can be set to, the usual ones first.
  public var allLines: [BusLine] {
    families.flatMap { family in
      var speeds: [Int] = []
      for line in family.flatMap(BusLine.all) where !speeds.contains(line.baud) { speeds.append(line.baud) }
      return speeds.map { BusLine(family[0], baud: $0) }
    }
  }

  /// The protocols, those with a common frame together.
  private var families: [[WireProtocol]] {
    let short = protocols.filter { !$0.isSecondGeneration }
    let long = protocols.filter(\.isSecondGeneration)
    return [short, long].filter { !$0.isEmpty }
  }

  /// Opens the port and looks for servos on one line.
  ///
  /// - Parameter progress: called with the part of the line's work that is done; false ends the search.
  public mutating func search(
    _ line: BusLine, tries: Int = 1, progress: (Double) -> Bool = { _ in true }
  ) throws(BusScanError) -> BusFindings {
    var found = try search(line, ids, tries: tries, progress)
    // A servo of another protocol with the same frame answers, too, with registers that mean something else.
    guard let family = families.first(where: { $0.contains(line.wire) }) else { return found }
    for other in family where other != line.wire {
      let strangers = found.servos.filter { $0.model == nil }.map(\.id)
      guard !strangers.isEmpty else { break }
      for servo in try search(BusLine(other, baud: line.baud), strangers, tries: 2, progress).servos
      where servo.model != nil {
        found.servos.removeAll { $0.id == servo.id }
        found.servos.append(servo)
      }
    }
    found.servos.sort { $0.id < $1.id }
    return found
  }

  private mutating func search(
    _ line: BusLine, _ ids: [UInt8], tries: Int, _ progress: (Double) -> Bool
  ) throws(BusScanError) -> BusFindings {
    var seen: [String] = []
    let transport: Transport
    do throws(PortError) {
      transport = try BusPort.open(path: path, baud: line.baud, notes: &seen)
    } catch { throw .port(error) }
    for note in seen where !notes.contains(note) { notes.append(note) }
    let timing = BusTiming.patient(baud: line.baud, adaptorLatency: transport.adaptorLatency)
    var master = BusMaster(transport, wire: line.wire, timing: timing)
    do throws(BusError) {
      return try master.search(ids, tries: tries, patience: patience, progress: progress)
    } catch { throw .bus(error) }
  }
}
