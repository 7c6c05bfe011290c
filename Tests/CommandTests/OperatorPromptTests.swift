import Glibc
import Testing

@testable import Sessions
@testable import sinew

/// How a question of a run is answered at the terminal, where the run takes the answer later than the next look at it.
struct OperatorPromptTests {
  /// A prompt at one end of a pipe, and what it answers.
  private final class Scene {
    let prompt: OperatorPrompt
    private let ends: (input: Int32, typing: Int32)
    var consents = 0
    var refusals = 0

    init(consentsByItself: Bool) throws {
      var pair: [Int32] = [0, 0]
      try #require(pipe(&pair) == 0)
      ends = (pair[0], pair[1])
      prompt = OperatorPrompt(consentsByItself: consentsByItself, isReplay: false, joints: ["pan"], input: pair[0])
    }

    deinit { close(ends.input) }

    /// Types, and then there is nobody left who could.
    func type(_ text: String) {
      text.withCString { _ = write(ends.typing, $0, strlen($0)) }
      close(ends.typing)
    }

    /// Looks at the run several times before it goes on.
    func look(_ question: OperatorQuestion, number: Int, times: Int = 4) {
      var status = LoopStatus()
      status.question = question
      status.questionNumber = number
      for _ in 0..<times { prompt.attend(status, consent: { consents += 1 }, refuse: { refusals += 1 }) }
    }
  }

  @Test("--yes stays the answer although nobody is at the terminal and the run has not heard it yet")
  func yesWithoutTerminal() throws {
    let scene = try Scene(consentsByItself: true)
    scene.type("")
    scene.look(.switchOn, number: 1)
    #expect(scene.consents == 1 && scene.refusals == 0)
  }

  @Test("an Enter stays the answer although it was the last thing that was typed")
  func enterThenEnd() throws {
    let scene = try Scene(consentsByItself: false)
    scene.type("\n")
    scene.look(.switchOn, number: 1)
    #expect(scene.consents == 1 && scene.refusals == 0)
  }

  @Test("without --yes and without anybody who could answer a question is refused, once")
  func nobody() throws {
    let scene = try Scene(consentsByItself: false)
    scene.type("")
    scene.look(.switchOn, number: 1)
    #expect(scene.consents == 0 && scene.refusals == 1)
  }

  @Test("a question that is put anew needs an answer of its own, also when its withdrawal was not seen")
  func anew() throws {
    let scene = try Scene(consentsByItself: true)
    scene.type("\n")
    scene.look(.switchOn, number: 1)
    #expect(scene.consents == 1 && scene.refusals == 0)
    scene.look(.switchOn, number: 2)
    #expect(scene.consents == 2 && scene.refusals == 0)
    scene.look(.switchOn, number: 3)
    #expect(scene.consents == 2 && scene.refusals == 1)
  }
}
