import Recording
import RecordingTestSupport
import Testing

@Suite
struct RealTimeTests {
  @Test("a tick that the compiler proved free of allocation and locks records everything")
  func tick() throws {
    let folder = try ScratchFolder()
    let path = folder.path("run.mcap")
    var options = RecorderOptions()
    options.clock = .virtual
    let recorder = try Recorder.start(path: path, options: options, layout: reacher, jointNames: ["a", "b"])
    var tick = RealTimeTick(port: recorder.makePort())
    for step in 0..<20_000 as Range<Int64> { tick.run(stamp: step * 1_000_000) }
    let summary = recorder.finish()
    #expect(summary.dropped == 0)
    #expect(
      summary.messageCounts == ["/transition": 20_000, "/joint_states": 2000, "/loop": 20_000, "/events": 20_000])
    let list = try TransitionLog.read(path: path).transitions
    #expect(list.count == 20_000)
    #expect(list[9].finalObservation == [Float](repeating: 0.5, count: 10) && list[8].finalObservation == [])
    #expect(list.allSatisfy { $0.source == .policy && $0.flags == .success && $0.velocity[0].isNaN })
  }

  @Test("the port may outlive the recorder: its records are lost, its memory is not")
  func portOutlives() throws {
    let folder = try ScratchFolder()
    var recorder: Recorder? = try Recorder.start(
      path: folder.path("run.mcap"), layout: reacher, jointNames: ["a", "b"])
    var tick = RealTimeTick(port: try #require(recorder).makePort())
    tick.run(stamp: 1)
    let summary = try #require(recorder).finish()
    #expect(summary == recorder?.finish())
    recorder = nil
    tick.run(stamp: 2)
    #expect(summary.messageCounts["/transition"] == 1)
  }
}
