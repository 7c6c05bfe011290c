import ArgumentParser

/// `sinew bench`: measurements that anyone can repeat; ratios against a peer or a floor in the same run.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure the loop, inference, training, the log and the servo bus on this machine.",
    discussion: """
      Machines are noisy: quote ratios within one run, not single times.

      Examples:
        sinew bench loop --rounds 3
        sinew bench inference
        sinew bench log --rate 1000 --duration 60
        sinew bench bus-faults --cycles 10000
        sinew bench stop-latency --presses 200
        sinew bench train
      """,
    subcommands: [
      BenchLoopCommand.self, BenchInferenceCommand.self, BenchTrainCommand.self, BenchLogCommand.self,
      BenchStopLatencyCommand.self, BenchBusFaultsCommand.self,
    ])
}
