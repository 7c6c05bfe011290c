import BusTrials
import Testing

@Suite
struct BusTrialTests {
  @Test(
    "whatever goes wrong on a bus, nothing wrong or old is believed, and no cycle is late",
    arguments: BusTrial.Bus.allCases, TrialFault.allCases)
  func trials(bus: BusTrial.Bus, fault: TrialFault) throws {
    let result = try BusTrial(bus, fault, cycles: 700).run()
    print(result)
    #expect(result.holds, "\(result)")
  }
}
