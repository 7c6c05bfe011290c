import CKernels
import Glibc

/// The vector instructions that kernels are compiled for.
///
/// Sets differ in the last bits of a result, so exact replay needs the recorded set: force it, or set the environment
/// variable `SINEW_ISA` to its name.
public enum InstructionSet: String, CaseIterable, Sendable {
  /// What every processor of the architecture has: SSE2 on x86-64, NEON on aarch64.
  case baseline
  /// AVX2 with fused multiply-add.
  case avx2
  /// AVX-512 F, VL, DQ and BW.
  case avx512

  /// The sets this processor has, best last.
  public static var supported: [InstructionSet] { allCases.filter { $0.kernels != nil } }

  /// The set that programs built from now on use: the forced one, else the one `SINEW_ISA` names, else the best.
  /// An unusable `SINEW_ISA` makes `ProgramBuilder.build` throw.
  public static var current: InstructionSet {
    do { return try chosen() } catch { return supported.last ?? .baseline }
  }

  /// Makes programs built from now on use one set; nil returns to the environment's or the best. Programs that exist
  /// keep theirs.
  public static func force(_ set: InstructionSet?) throws(NetworkError) {
    guard let set else {
      sinew_isa_force(-1)
      return
    }
    try set.requireSupport("force")
    sinew_isa_force(set.number)
  }

  static func chosen() throws(NetworkError) -> InstructionSet {
    let forced = sinew_isa_forced()
    for set in allCases where set.number == forced { return set }
    guard let value = getenv("SINEW_ISA") else { return supported.last ?? .baseline }
    let name = String(cString: value)
    guard let set = InstructionSet(rawValue: name) else {
      throw NetworkError(
        "SINEW_ISA=\(name) names no instruction set; use one of \(supported.map(\.rawValue).joined(separator: ", "))")
    }
    try set.requireSupport("SINEW_ISA")
    return set
  }

  func requireSupport(_ who: String) throws(NetworkError) {
    guard kernels != nil else {
      throw NetworkError(
        "\(who): this processor has no \(rawValue); it has \(Self.supported.map(\.rawValue).joined(separator: ", "))")
    }
  }

  private var number: CInt {
    switch self {
    case .baseline: CInt(SINEW_ISA_BASELINE)
    case .avx2: CInt(SINEW_ISA_AVX2)
    case .avx512: CInt(SINEW_ISA_AVX512)
    }
  }

  /// The functions of this set, nil where the processor lacks it.
  var kernels: OpaquePointer? { sinew_kernels_for(number) }
}
