import ArmModel
import Testing

@Suite struct JointVectors {
  @Test func aVectorKnowsItsCountAndItsValues() {
    let vector = JointVector([1, -2.5, 3])
    #expect(vector.count == 3)
    #expect(vector.array == [1, -2.5, 3])
    #expect((0..<3).map { vector[$0] } == [1, -2.5, 3])
    #expect(JointVector(repeating: 7, count: 2) == JointVector([7, 7]))
    #expect(JointVector([]).count == 0)
    #expect(JointVector([]).array.isEmpty)
  }

  @Test func sixteenJointsFit() {
    let values = (0..<JointVector.capacity).map(Double.init)
    #expect(JointVector(values).array == values)
    #expect(JointVector(repeating: 1, count: 16).count == 16)
  }

  @Test func assigningChangesOneJointOfOneCopy() {
    var a = JointVector(repeating: 0, count: 4)
    let b = a
    a[2] = 5
    #expect(a.array == [0, 0, 5, 0])
    #expect(b.array == [0, 0, 0, 0])
  }

  @Test func equalityIsOfCountAndValues() {
    #expect(JointVector([1, 2]) == JointVector([1, 2]))
    #expect(JointVector([1, 2]) != JointVector([1, 3]))
    #expect(JointVector([1]) != JointVector([1, 0]))
    #expect(JointVector([]) == JointVector([]))
    #expect(JointVector([0.0]) == JointVector([-0.0]))
    #expect(JointVector([.nan]) != JointVector([.nan]), "as numbers compare")
    #expect(JointVector([.infinity]) == JointVector([.infinity]))
  }

  @Test func whatLiesBeyondTheCountDoesNotMatter() {
    let filled = JointVector(repeating: 9, count: 2)
    let zeroed = JointVector([9, 9])
    #expect(filled == zeroed)
    let unused = JointVector(repeating: .nan, count: 0)
    #expect(unused.isFinite)
    #expect(unused.largestMagnitude == 0)
    #expect(unused == JointVector([]))
  }

  @Test("One value that is not finite is found at every place", arguments: 0..<16)
  func finiteness(place: Int) {
    var vector = JointVector(repeating: 1, count: 16)
    #expect(vector.isFinite)
    for bad in [Double.nan, .signalingNaN, .infinity, -.infinity] {
      vector[place] = bad
      #expect(!vector.isFinite)
    }
    for good in [Double.greatestFiniteMagnitude, -.greatestFiniteMagnitude, .leastNonzeroMagnitude, -0.0] {
      vector[place] = good
      #expect(vector.isFinite)
    }
  }

  @Test func theLargestMagnitudeIgnoresTheSignAndShowsNaN() {
    #expect(JointVector([1, -3, 2]).largestMagnitude == 3)
    #expect(JointVector([-0.5]).largestMagnitude == 0.5)
    #expect(JointVector([0, -.infinity]).largestMagnitude == .infinity)
    #expect(JointVector([5, .nan, 9]).largestMagnitude.isNaN)
    #expect(JointVector([.infinity, .nan]).largestMagnitude.isNaN)
  }

  @Test func readingOutOfBoundsTraps() async {
    await #expect(processExitsWith: .failure) { print(JointVector([1, 2])[2]) }
    await #expect(processExitsWith: .failure) { print(JointVector([1, 2])[-1]) }
    await #expect(processExitsWith: .failure) { print(JointVector([])[0]) }
    await #expect(processExitsWith: .failure) { print(JointVector(repeating: 0, count: 16)[16]) }
  }

  @Test func writingOutOfBoundsTraps() async {
    await #expect(processExitsWith: .failure) {
      var vector = JointVector([1, 2])
      vector[2] = 0
    }
    await #expect(processExitsWith: .failure) {
      var vector = JointVector([1, 2])
      vector[-1] = 0
    }
  }

  @Test func moreThanSixteenJointsTrap() async {
    await #expect(processExitsWith: .failure) { _ = JointVector(repeating: 0, count: 17) }
    await #expect(processExitsWith: .failure) { _ = JointVector([Double](repeating: 0, count: 17)) }
    await #expect(processExitsWith: .failure) { _ = JointVector(repeating: 0, count: -1) }
  }
}
