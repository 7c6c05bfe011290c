import Foundation
import Numerics
import Policies
import TestSupport
import Testing

@Suite("Shipped policies")
struct ShippedPolicyTests {
  @Test("every shipped policy loads, with golden vectors, hash and provenance")
  func shippedPoliciesLoad() throws {
    #expect(PolicyLoader.shipped.contains("reacher-sb3"))
    for name in PolicyLoader.shipped {
      let description = try PolicyLoader.named(name).description
      #expect(description.name == name)
      #expect(description.goldenRows >= 5)
      #expect(description.hash.count == 64)
      #expect(!description.provenance.isEmpty)
    }
  }

  @Test(
    "a shipped policy of sinew train says the discount that its settings name, for whoever goes on learning",
    arguments: ["reach", "reach-hobby6"])
  func discount(_ name: String) throws {
    let description = try PolicyLoader.named(name).description
    let said = description.provenance.first { $0.key == "gamma" }?.value
    let folder = URL(fileURLWithPath: description.path)
    let settings = try String(contentsOf: folder.appendingPathComponent("training.yaml"), encoding: .utf8)
    let set = try #require(settings.firstMatch(of: /gamma: ([0-9.]+)/)).1
    #expect(said == String(set))
  }

  @Test("the Reacher policy is described as its bundle says")
  func reacher() throws {
    let policy = try PolicyLoader.named("reacher-sb3")
    let description = policy.description
    #expect(description.observationCount == 10)
    #expect(description.actionCount == 2)
    #expect(description.jointNames == ["joint1", "joint2"])
    #expect(description.rateHz == 50)
    #expect(description.goldenRows == 16)
    #expect(description.action.low == [-1, -1])
    #expect(description.action.high == [1, 1])
    #expect(description.observationTerms.map(\.count) == [2, 2, 2, 2, 2])
    #expect(
      description.distribution
        == .gaussian(.constant([-3.140803813934326, -3.1668057441711426]), isSquashed: false))
    #expect(policy.inspection.text.contains("Stable-Baselines3 2.9.2"))
    #expect(policy.inspection.warnings.isEmpty)
    #expect(policy.inspection.interpreterSteps <= policy.inspection.kernelSteps + 4)
  }

  @Test("its mean action agrees with the trainer's on all golden rows", .enabled(if: Fixtures.areAvailable))
  func agreesOnAllRows() throws {
    let golden = try GoldenTable("policies/sb3_ppo_reacher.golden.csv")
    let results = try PolicyLoader.named("reacher-sb3").run(golden.rows("obs"))
    #expect(largestDifference(results.map(\.action), golden.rows("sb3_predict_action")) <= 1e-5)
    // The trainer's log_prob column is the density at the mean.
    #expect(largestDifference(results.map { [$0.log] }, golden.rows("log_prob")) <= 1e-5)
  }

  @Test("samples stay in the box and repeat with the seed")
  func samples() throws {
    func actions(seed: UInt64) throws -> [Float] {
      var policy = try PolicyLoader.named("reacher-sb3").makePolicy()
      var random = RandomStream(seed: seed, name: "action")
      var all: [Float] = []
      for step in 0..<200 {
        let observation = (0..<10).map { Double(($0 * 7 + step) % 11) / 5 - 1 }
        #expect(policy.act(observation: observation, sampling: .sample, random: &random) == .ok)
        all += policy.action
      }
      return all
    }
    let first = try actions(seed: 3)
    #expect(first.allSatisfy { (-1...1).contains($0) })
    #expect(try first == actions(seed: 3))
    #expect(try first != actions(seed: 4))
  }

  @Test("an unknown name is an error with the nearest shipped one")
  func unknownName() {
    let error = #expect(throws: PolicyError.self) { try PolicyLoader.named("reacher-sb4") }
    #expect(
      error?.description
        == "reacher-sb4: is neither a file nor a shipped policy; did you mean 'reacher-sb3'? shipped: reach, reach-hobby6, reacher-sb3"
    )
  }
}
