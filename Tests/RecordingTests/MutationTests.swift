import Foundation
import Recording
import RecordingTestSupport
import Testing

/// Whatever the bytes, readers, doctor and recovery answer or throw their own errors; they never trap, and what
/// recovery writes is sound.
@Suite
struct MutationTests {
  /// Damages that files suffer, chosen by a seeded generator.
  private struct Mutator {
    var generator: SplitMix

    mutating func mutate(_ bytes: [UInt8]) -> [UInt8] {
      var bytes = bytes
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        guard bytes.count > 16 else { break }
        let place = Int.random(in: 0..<bytes.count - 8, using: &generator)
        switch Int.random(in: 0..<7, using: &generator) {
        case 0, 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 2: bytes.removeSubrange(place...)
        case 3:
          // A length that announces too much.
          for index in 0..<(2 << Int.random(in: 0...2, using: &generator)) { bytes[place + index] = 0xFF }
        case 4: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...200, using: &generator)))
        case 5:
          let end = min(bytes.count, place + Int.random(in: 1...300, using: &generator))
          bytes.insert(contentsOf: bytes[place..<end], at: Int.random(in: 0...bytes.count, using: &generator))
        default: for index in place..<min(bytes.count, place + 64) { bytes[index] = 0 }
        }
      }
      return bytes
    }
  }

  private struct SplitMix: RandomNumberGenerator {
    var noise: UInt64
    mutating func next() -> UInt64 {
      noise &+= 0x9E37_79B9_7F4A_7C15
      var z = noise
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
  }

  /// Bytes written, in memory.
  private final class MemorySink: LogSink {
    var bytes: [UInt8] = []
    func write(_ bytes: UnsafeRawBufferPointer) throws(SinkFailure) -> Int {
      self.bytes += bytes
      return bytes.count
    }
    func synchronize() throws(SinkFailure) {}
    func close() {}
  }

  private func originals() throws -> [[UInt8]] {
    let folder = try ScratchFolder()
    let path = folder.path("run.mcap")
    _ = try makeVirtualLog(
      path: path, count: 60, compression: .none, attachments: [.init(name: "a", mediaType: "text/plain", data: [1, 2])])
    let own = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    return [own]
      + Compression.allCases.map { sampleLog(compression: $0, count: 30, size: 40, chunkBytes: 400) }
      + [sampleLog(compression: .none, count: 30, size: 40, usesChunks: false)]
  }

  @Test("four thousand damaged logs: typed errors, no traps, and recovered logs without a fault")
  func damaged() throws {
    let originals = try originals()
    var mutator = Mutator(generator: SplitMix(noise: 7))
    var (refused, recovered, lossy) = (0, 0, 0)
    for round in 0..<4000 {
      let bytes = mutator.mutate(originals[round % originals.count])
      let source = MemorySource(bytes)
      exercise(source)
      let sink = MemorySink()
      do throws(RecordingError) {
        let report = try LogRecovery.recover(source, name: "in", into: sink, name: "out", limit: 1 << 24)
        recovered += 1
        if report.isLossy { lossy += 1 }
      } catch {
        refused += 1
        continue
      }
      // What the damage did to the content stays; the frame around it must be right.
      let allowed: Set<DoctorFinding.Kind> = [.messageUndecodable, .ros2Encoding]
      let faults = try LogDoctor.examine(MemorySource(sink.bytes)).filter {
        $0.severity == .error && !allowed.contains($0.kind)
      }
      #expect(faults == [], "round \(round)")
      if !faults.isEmpty { break }
    }
    #expect(refused > 20 && recovered > 3000 && lossy > 1000, "\(refused) \(recovered) \(lossy)")
  }

  /// Every way of reading, to its end.
  private func exercise(_ source: MemorySource) {
    var options = McapLinearReader.Options()
    options.limit = 1 << 24
    do throws(McapError) {
      try source.scan(options: options, failed: { _ in true }) { (_, _) throws(McapError) -> Bool in true }
    } catch {}
    do throws(McapError) {
      let reader = try McapIndexedReader(source: source, limit: 1 << 24)
      for index in reader.attachmentIndexes { _ = try? reader.attachment(index) }
      for index in reader.metadataIndexes { _ = try? reader.metadata(index) }
      try reader.forEachMessage { (channel, message) throws(McapError) -> Bool in
        if let schema = reader.schemas[channel.schemaID], let parsed = try? RosSchema(schema) {
          _ = try? parsed.decode(message.data)
          _ = try? TransitionDecoder(parsed).decode(message.data)
        }
        return true
      }
    } catch {}
    do throws(McapError) { _ = try LogDoctor.examine(source, limit: 1 << 24) } catch {
      Issue.record("the doctor may only fail on the system: \(error)")
    }
  }

  @Test("a log cut at every byte of its end still recovers")
  func everyCut() throws {
    let bytes = sampleLog(compression: .none, count: 3, size: 10, chunkBytes: 40)
    // The first record behind the header, the schema, ends here.
    let firstRecord = 60
    for length in 0..<bytes.count {
      let sink = MemorySink()
      guard length >= firstRecord else {
        #expect(throws: RecordingError.self) {
          _ = try LogRecovery.recover(
            MemorySource(Array(bytes[..<length])), name: "in", into: MemorySink(), name: "out")
        }
        continue
      }
      let report = try LogRecovery.recover(
        MemorySource(Array(bytes[..<length])), name: "in", into: sink, name: "out")
      #expect(!report.wasClosed)
      #expect(try LogDoctor.examine(MemorySource(sink.bytes)).filter { $0.severity == .error } == [])
    }
  }
}
