import ArgumentParser
import Foundation
import ServoBus

/// `sinew port find`: which port an adaptor is, by pulling it out.
struct PortFindCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "find", abstract: "Find the port of an adaptor: unplug it, and see which one goes.",
    discussion: """
      Asks you to unplug the adaptor and to press Enter, names the port that has gone, asks you to plug it in again, and \
      prints what to give as --port on standard output. Questions go to standard error, answers come from standard \
      input, a line each.

      Examples:
        sinew port find
        sinew port find --json

      Exit codes: 0 found; 1 none or several ports went, or it did not come back; 2 standard input ended too early.
      """)

  @Flag(help: "Print one JSON object.")
  var json = false

  struct Output: Encodable {
    let port: String
    let device: String
    let links: [String]
  }

  mutating func run() throws {
    let before = try listPorts()
    guard !before.isEmpty else {
      throw RunFailure(
        "there is no serial port; plug the adaptor in first, and try another cable or socket if it does not appear")
    }
    printError("ports now: " + before.map(\.device).joined(separator: ", "))
    try ask("Unplug the adaptor, then press Enter.")
    let gone = try difference { ports in
      let devices = Set(ports.map(\.device))
      return before.filter { !devices.contains($0.device) }
    }
    guard gone.count == 1, let port = gone.first else {
      throw RunFailure(
        gone.isEmpty
          ? "no port has gone; unplug the adaptor's USB cable, not the servos', and wait until the lamp is off"
          : "\(gone.count) ports have gone (\(gone.map(\.device).joined(separator: ", "))); unplug just one adaptor at a time"
      )
    }
    printError("it was \(port.device)\(port.links.first.map { " (\($0))" } ?? "")")
    let without = Set(before.map(\.device)).subtracting([port.device])
    try ask("Plug it in again, then press Enter.")
    let back = try difference { ports in ports.filter { !without.contains($0.device) } }
    guard let found = back.first(where: { $0.usb == port.usb }), back.count == 1 else {
      throw RunFailure(
        back.isEmpty
          ? "it has not come back; plug it in again and look with 'sinew port list'"
          : "other ports came (\(back.map(\.device).joined(separator: ", "))); plug in just the one that was unplugged")
    }
    if found.device != port.device { printError("it is \(found.device) now") }
    if json {
      try printJSON(Output(port: found.stablePath, device: found.device, links: found.links))
    } else {
      print(found.stablePath)
    }
  }

  private func ask(_ question: String) throws {
    printError(question)
    guard readLine() != nil else { throw InputError("standard input ended; answer each question with Enter") }
  }

  /// What has changed, as soon as something has; nothing after three seconds. Links and names come a moment after the
  /// device: what is seen must stay the same for a while.
  private func difference(
    _ changed: ([SerialPortInformation]) -> [SerialPortInformation]
  ) throws -> [SerialPortInformation] {
    let end = Date(timeIntervalSinceNow: 3)
    var last: [SerialPortInformation] = []
    while true {
      let now = changed(try listPorts())
      if !now.isEmpty && now.map(\.stablePath) == last.map(\.stablePath) { return now }
      if Date() > end { return now }
      last = now
      Thread.sleep(forTimeInterval: 0.3)
    }
  }
}
