import Configuration
import Glibc
import Networks
import RealTime
import Recording
import Simulation
import Tasks

/// Looks at everything a run depends on: libraries, shipped files, a short simulation, the log's disk, real-time rights.
public struct InstallationExamination: Sendable {
  /// What a finding is about.
  public enum Area: String, CaseIterable, Sendable {
    case libraries
    case shippedFiles = "shipped files"
    case simulation
    case log
    case realTime = "real time"
    case ports

    /// Whether nothing can be simulated while a finding here is bad.
    public var isEssential: Bool { self == .libraries || self == .shippedFiles || self == .simulation }
  }

  /// One finding in its area.
  public struct Entry: Sendable, Equatable {
    public let area: Area
    public let finding: SystemFinding
  }

  /// In the order of the areas.
  public private(set) var entries: [Entry] = []

  /// Whether simulation works.
  public var canSimulate: Bool { !entries.contains { $0.area.isEssential && $0.finding.grade == .bad } }
  /// Whether nothing at all is bad.
  public var isSound: Bool { !entries.contains { $0.finding.grade == .bad } }

  /// Examines the machine; takes a fraction of a second. Writes nothing.
  /// - Parameter logFolder: where logs shall go; it need not exist yet.
  public static func run(logFolder: String) -> InstallationExamination {
    var examination = InstallationExamination()
    examination.add(.libraries, libraryFindings)
    examination.add(.shippedFiles, Catalogue.Kind.allCases.map(shippedFinding))
    examination.add(.simulation, [instructionFinding, simulationFinding])
    examination.add(.log, [diskFinding(logFolder)])
    examination.add(.realTime, SystemExamination.realTimeFindings())
    examination.add(.ports, [portFinding])
    return examination
  }

  private mutating func add(_ area: Area, _ findings: [SystemFinding]) {
    entries += findings.map { Entry(area: area, finding: $0) }
  }

  // MARK: Findings

  private static var libraryFindings: [SystemFinding] {
    var findings: [SystemFinding] = []
    do {
      try PhysicsModel.checkLibraryVersion()
      findings.append(
        SystemFinding("MuJoCo", .good, "\(PhysicsModel.libraryVersion), the version this program was built for"))
    } catch {
      findings.append(
        SystemFinding("MuJoCo", .bad, error.message, remedy: "tools/setup && swift build -c release"))
    }
    findings += LibraryVersions.all.map { SystemFinding($0.name, .good, $0.version) }
    // The known answer of FIPS 180-2, appendix B.1.
    let digest = [UInt8]("abc".utf8).withUnsafeBytes { ContentHash.sha256($0) }
    let isRight = digest == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    findings.append(
      isRight
        ? SystemFinding("libmd", .good, "computes SHA-256 rightly")
        : SystemFinding("libmd", .bad, "computes SHA-256 wrongly", remedy: "sudo apt-get install --reinstall libmd0"))
    return findings
  }

  private static func shippedFinding(_ kind: Catalogue.Kind) -> SystemFinding {
    let remedy = "build again, or set SINEW_RESOURCES to the folder that holds the sinew_*.resources folders"
    let names = Catalogue.names(kind)
    guard !names.isEmpty else {
      return SystemFinding(kind.rawValue, .bad, "none found beside the program", remedy: remedy)
    }
    for name in names {
      do { _ = try Catalogue.entry(kind, name) } catch {
        return SystemFinding(kind.rawValue, .bad, "\(error)", remedy: remedy)
      }
    }
    return SystemFinding(kind.rawValue, .good, names.joined(separator: ", "))
  }

  private static var instructionFinding: SystemFinding {
    let supported = InstructionSet.supported.map(\.rawValue).joined(separator: ", ")
    let current = InstructionSet.current
    if let value = getenv("SINEW_ISA").map({ String(cString: $0) }), value != current.rawValue {
      return SystemFinding(
        "instructions", .bad, "SINEW_ISA=\(value) is none of \(supported)", remedy: "unset SINEW_ISA")
    }
    guard current != .baseline else {
      return SystemFinding("instructions", .warning, "baseline only: networks run several times as long as with AVX2")
    }
    return SystemFinding("instructions", .good, "\(current.rawValue) in use (this processor has \(supported))")
  }

  /// One episode of the shipped policy on the shipped arm, in simulated time, without a log.
  private static var simulationFinding: SystemFinding {
    do {
      var plan = SessionPlan(
        task: try TaskDefinition.named("reacher-v5"), policy: "reacher-sb3", perturbations: Perturbations())
      plan.episodes = 1
      let report = try SimulatedSession(plan).runBlocking { _ in }
      guard report.ending == .completed, report.statistics.count == 1 else {
        return SystemFinding("one episode", .bad, "ended by \(report.ending.rawValue)")
      }
      return SystemFinding("one episode", .good, "reacher-v5 with reacher-sb3, \(report.statistics.stepCount) steps")
    } catch {
      return SystemFinding("one episode", .bad, "\(error)", remedy: "mend what is bad above")
    }
  }

  /// Whether logs can be written, and for how long.
  private static func diskFinding(_ folder: String) -> SystemFinding {
    let place = existingFolder(folder)
    guard access(place, W_OK | X_OK) == 0 else {
      return SystemFinding(
        "disk", .bad, "\(place): \(String(cString: strerror(errno)))",
        remedy: "choose another folder with --log or in robot.yaml")
    }
    var status = statvfs()
    guard statvfs(place, &status) == 0 else {
      return SystemFinding("disk", .warning, "\(place): free space is not known")
    }
    let free = Double(status.f_bavail) * Double(status.f_frsize)
    // 250 bytes a transition at 1 kHz.
    let hours = free / (250 * 1000 * 3600)
    let detail = "\(place): \(tenths(free / 1e9)) GB free, about \(tenths(hours)) h at 1 kHz"
    let remedy = "free space in \(place), or choose another folder with --log"
    if hours < 0.1 { return SystemFinding("disk", .bad, detail, remedy: remedy) }
    if hours < 2 { return SystemFinding("disk", .warning, detail, remedy: remedy) }
    return SystemFinding("disk", .good, detail)
  }

  /// Whether the serial adaptors that are plugged in may be opened.
  private static var portFinding: SystemFinding {
    var names: [String] = []
    var matches = glob_t()
    for (index, pattern) in ["/dev/ttyUSB*", "/dev/ttyACM*"].enumerated() {
      guard glob(pattern, index == 0 ? 0 : GLOB_APPEND, nil, &matches) == 0 else { continue }
    }
    for index in 0..<Int(matches.gl_pathc) {
      if let path = matches.gl_pathv[index] { names.append(String(cString: path)) }
    }
    globfree(&matches)
    guard !names.isEmpty else { return SystemFinding("serial adaptors", .good, "none plugged in") }
    let closed = names.filter { access($0, R_OK | W_OK) != 0 }
    guard closed.isEmpty else {
      return SystemFinding(
        "serial adaptors", .bad, "\(closed.joined(separator: ", ")): permission denied",
        remedy: "sudo usermod -aG dialout $USER, then log in again")
    }
    return SystemFinding("serial adaptors", .good, names.joined(separator: ", "))
  }

  /// The folder, or the nearest one above it that exists.
  private static func existingFolder(_ path: String) -> String {
    var path = path.isEmpty ? "." : path
    while access(path, F_OK) != 0 {
      guard let slash = path.lastIndex(of: "/") else { return "." }
      path = slash == path.startIndex ? "/" : String(path[..<slash])
    }
    return path
  }

  private static func tenths(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }
}
