import Foundation
import Sessions

/// A run with a person, and the terminal beside it.
enum OperatedRunning {
  /// Runs a prepared session. `isQuiet` leaves the lines at the start out.
  static func run(_ session: any PreparedSession, device: OperatorDevice, isQuiet: Bool) throws -> RunReport {
    if !isQuiet {
      RunSummary.printStart(session.summary)
      for line in device.help { printError(line) }
    }
    let line = OperatorLine()
    let report = try session.runBlocking { status in
      for note in device.takeNotes() { line.say(note) }
      line.show(status)
    }
    line.finish()
    return report
  }
}
