/// The vector instructions that kernels are compiled for.
public enum InstructionSet: String, CaseIterable, Sendable {
  /// What every processor of the architecture has: SSE2 on x86-64, NEON on aarch64.
  case baseline
  case avx2
  case avx512
}
