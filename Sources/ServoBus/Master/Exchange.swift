/// One request and what is waited for behind it.
struct Exchange: BitwiseCopyable {
  /// When the request went out, ns.
  var sentAt: Int64
  /// When it is given up, ns.
  var deadline: Int64
  /// When to look for the first time, ns; 0: as soon as something comes.
  var wake: Int64 = 0
  /// Answers and their bytes.
  var answers: Int
  var answerBytes: Int
  /// An old answer may come that nothing would tell from a new one: it goes on until silence, and believes neither of
  /// two that differ.
  var listens: Bool
  /// It is a cycle's; else a single operation's.
  var isCyclic: Bool
  /// Silence ends it no sooner than the deadline: there is no time to ask again.
  var isPatient = false
  /// It asks every servo of the cycle, for the first time in it.
  var isWhole = false

  @_noLocks
  init(sentAt: Int64, deadline: Int64, answers: Int, answerBytes: Int, listens: Bool, isCyclic: Bool) {
    self.sentAt = sentAt
    self.deadline = deadline
    self.answers = answers
    self.answerBytes = answerBytes
    self.listens = listens
    self.isCyclic = isCyclic
  }
}
