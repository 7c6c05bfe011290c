import Foundation
import Testing

/// Injection 41: the wall clock may be set, by hand or by the network, at any time.
@Suite struct ClockTests {
  @Test func `Nothing on the control thread reads the wall clock`() throws {
    for room in ["Safety", "Control", "RealTime", "ServoBus", "ArmModel", "Simulation"] {
      let folder = InjectionTable.root.appendingPathComponent("Sources/\(room)")
      let files = try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
      var count = 0
      for case let file as URL in files where file.pathExtension == "swift" {
        let text = try String(contentsOf: file, encoding: .utf8)
        for name in ["CLOCK_REALTIME", "gettimeofday", "Date()", "sinew_realtime_ns", "time(nil)"] {
          #expect(!text.contains(name), "\(file.lastPathComponent) names \(name)")
        }
        count += 1
      }
      #expect(count > 3)
    }
    // What the control thread calls in C has one clock.
    let time = try String(
      contentsOf: InjectionTable.root.appendingPathComponent("Sources/CSystem/time.c"), encoding: .utf8)
    #expect(time.contains("CLOCK_MONOTONIC"))
  }
}
