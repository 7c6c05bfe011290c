import Numerics
import Testing

@Suite struct Vectors {
  @Test func vectorsAddSubtractAndScale() {
    let a = Vector3(1, -2, 3)
    let b = Vector3(0.5, 4, -1)
    #expect(a + b == Vector3(1.5, 2, 2))
    #expect(a - b == Vector3(0.5, -6, 4))
    #expect(a * -2 == Vector3(-2, 4, -6))
    #expect(a + .zero == a)
    #expect(a - a == .zero)
  }

  @Test func theNormIsEuclidean() {
    #expect(Vector3.zero.norm == 0)
    #expect(Vector3(2, -3, 6).norm == 7)
    #expect(Vector3(0, 0, -1.5).norm == 1.5)
    #expect(Vector3(1, .nan, 0).norm.isNaN)
    #expect(Vector3(.infinity, 0, 0).norm == .infinity)
  }

  @Test func theTriangleInequalityHolds() {
    var random = RandomStream(seed: 1, name: "vectors")
    for _ in 0..<1000 {
      let a = Vector3(random.normal(), random.normal(), random.normal())
      let b = Vector3(random.normal(), random.normal(), random.normal())
      #expect((a + b).norm <= a.norm + b.norm + 1e-15)
      #expect(((a * 3).norm - 3 * a.norm).magnitude < 1e-14)
    }
  }

  @Test("Each component counts for finiteness", arguments: 0..<3)
  func finiteness(component: Int) {
    for bad in [Double.nan, .infinity, -.infinity] {
      var vector = Vector3(1, 2, 3)
      #expect(vector.isFinite)
      switch component {
      case 0: vector.x = bad
      case 1: vector.y = bad
      default: vector.z = bad
      }
      #expect(!vector.isFinite)
      #expect(vector != Vector3(1, 2, 3))
    }
  }
}
