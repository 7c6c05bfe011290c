import VirtualServos

/// What goes wrong in a trial.
public enum TrialFault: String, CaseIterable, Sendable {
  case none
  case bitErrors1e5 = "bit errors 1e-5"
  case bitErrors1e4 = "bit errors 1e-4"
  /// Beyond what a bus has to bear: it shows what a frame's check value lets through.
  case bitErrors1e3 = "bit errors 1e-3"
  case garbage = "garbage 1 %"
  case duplicates = "duplicates 1 %"
  case late = "80 ms late 1 %"
  case echo
  case unplug = "unplug, replug"
  case byteDrops = "byte drops 1e-4"
  case packetDrops = "packet drops 1e-3"
  case brownOut = "brown-out 200 ms"
  case all = "all of them"

  /// A line so bad that nobody would leave it so. It shows what each check value lets through; how soon such a bus is
  /// whole again is not demanded, for an answer that may still be owed to one of the many lost requests is thrown away.
  public var isBeyondUse: Bool { self == .bitErrors1e3 }

  /// What the virtual bus does while the fault lasts.
  var settings: FaultSettings {
    var faults = FaultSettings()
    faults.showsRequestCount = true
    switch self {
    case .none, .echo, .unplug, .brownOut: break
    case .bitErrors1e5: (faults.bitErrorsToHost, faults.bitErrorsToServos) = (1e-5, 1e-5)
    case .bitErrors1e4: (faults.bitErrorsToHost, faults.bitErrorsToServos) = (1e-4, 1e-4)
    case .bitErrors1e3: (faults.bitErrorsToHost, faults.bitErrorsToServos) = (1e-3, 1e-3)
    case .garbage: faults.garbage = 0.01
    case .duplicates: faults.duplicate = 0.01
    case .late: faults.late = 0.01
    case .byteDrops: faults.byteDrop = 1e-4
    case .packetDrops: faults.packetDrop = 1e-3
    case .all:
      (faults.bitErrorsToHost, faults.bitErrorsToServos) = (1e-5, 1e-5)
      (faults.garbage, faults.duplicate, faults.late) = (0.01, 0.01, 0.01)
      (faults.byteDrop, faults.packetDrop) = (1e-4, 1e-3)
    }
    return faults
  }

  /// The adaptor gives the host its own bytes back, all the time.
  var echoes: Bool { self == .echo || self == .all }
  /// Once in a block the cable is pulled.
  var unplugs: Bool { self == .unplug || self == .all }
  /// Once in a block a servo loses its power.
  var brownsOut: Bool { self == .brownOut || self == .all }
}
