import Learning
import Numerics
import Testing

/// Single steps against Gymnasium 1.4.0's Pendulum-v1 (θ, ω, a → θ′, ω′, reward).
@Suite("Pendulum") struct PendulumTests {
  @Test(
    "single steps agree with Gymnasium's",
    arguments: [
      [1, -0.5, 0.75, 1.0121801619302961, 0.24360323860592237, -1.0255625],
      [-2.5, 7.9, -3, -2.1424427054038984, 7.151145891922033, -12.495],
      [3.5, -8, 2, 3.101845628961639, -7.963087420767215, -14.150120454100326],
      [-4, 1, 1.5, -3.9103699064259527, 1.7926018714809462, -5.315185146920741],
    ])
  func steps(_ row: [Double]) {
    var pendulum = Pendulum()
    pendulum.angle = row[0]
    pendulum.velocity = row[1]
    let reward = pendulum.advance(torque: row[2])
    #expect(abs(pendulum.angle - row[3]) <= 1e-14)
    #expect(abs(pendulum.velocity - row[4]) <= 1e-14)
    #expect(abs(reward - row[5]) <= 1e-13)
  }

  @Test("an episode is truncated after 200 steps and never terminated")
  func end() {
    var pendulum = Pendulum()
    var random = RandomStream(seed: 1, name: "pendulum")
    var observation: [Double] = [0, 0, 0]
    pendulum.begin(random: &random, observation: &observation)
    #expect(abs(observation[0] * observation[0] + observation[1] * observation[1] - 1) <= 1e-12)
    var torque: Float = 5
    for step in 1...200 {
      let result = pendulum.step(action: &torque, observation: &observation)
      #expect(!result.terminated)
      #expect(result.truncated == (step == 200))
      #expect((-16.2737...0).contains(result.reward))
    }
  }
}
