extension WrongInput {
  /// Wrong command lines.
  static let arguments: [WrongInput] = [
    WrongInput("unknown command", ["fly"], mentions: ["fly"]),
    WrongInput("unknown option", ["evaluate", "--fast"], mentions: ["--fast"]),
    WrongInput("misspelt option", ["evaluate", "--episode", "3"], mentions: ["--episode"]),
    WrongInput("missing value", ["evaluate", "--episodes"], mentions: ["--episodes"]),
    WrongInput("a word for a number", ["evaluate", "--episodes", "many"], mentions: ["--episodes", "many"]),
    WrongInput("a fraction for a count", ["evaluate", "--episodes", "1.5"], mentions: ["--episodes", "1.5"]),
    WrongInput("a count beyond 64 bits", ["evaluate", "--episodes", "99999999999999999999"], mentions: ["--episodes"]),
    WrongInput("no episodes", ["evaluate", "--episodes", "0"], mentions: ["--episodes", "0"]),
    WrongInput("negative episodes", ["evaluate", "--episodes=-3"], mentions: ["--episodes", "-3"]),
    WrongInput("too many episodes", ["evaluate", "--episodes", "10000001"], mentions: ["--episodes", "10000001"]),
    WrongInput("negative seed", ["evaluate", "--seed=-1"], mentions: ["--seed"]),
    WrongInput("unknown interpolation", ["evaluate", "--interpolation", "cubic"], mentions: ["cubic"]),
    WrongInput("surplus word", ["evaluate", "reacher-v5"], mentions: ["reacher-v5"]),
    WrongInput("duration is no number", ["run", "--duration", "nan"], mentions: ["--duration", "nan"]),
    WrongInput("endless duration", ["run", "--duration", "inf"], mentions: ["--duration", "inf"]),
    WrongInput("negative duration", ["run", "--duration=-1"], mentions: ["--duration", "-1"]),
    WrongInput("priority above 99", ["run", "--priority", "100"], mentions: ["--priority", "100"]),
    WrongInput("negative processor", ["run", "--cpu=-1"], mentions: ["--cpu", "-1"]),
    WrongInput(
      "no such processor", ["run", "--cpu", "99999"], mentions: ["--cpu 99999", "no processor of this machine"]),
    WrongInput("no such processor for a benchmark", ["bench", "loop", "--cpu", "99999"], mentions: ["--cpu 99999"]),
    WrongInput(
      "no such processor in a configuration", ["run", "--config", "robot.yaml"],
      mentions: ["robot.yaml", "1000 is no processor"],
      prepare: { try $0.write("arm: reacher\nrealtime: {cpu: 1000}\n", to: "robot.yaml") }),
    WrongInput(
      "a folder for a port", ["servo", "scan", "--port", "folder"], mentions: ["folder: this is a folder, not a port"],
      prepare: { try $0.makeFolder("folder") }),
    WrongInput(
      "a file for a port", ["servo", "info", "--port", "file", "--id", "1"],
      mentions: ["file: this is a file, not a port", "sinew port list"], prepare: { try $0.write("x", to: "file") }),
    WrongInput(
      "a speed that no bus has", ["servo", "scan", "--port", "x", "--baud", "1"],
      mentions: ["--baud must be between 9600 and 4500000 bit/s, such as 1000000; found 1."]),
    WrongInput(
      "a speed that no bus has, of an arm", ["run", "--arm", "so101", "--port", "x", "--baud", "1"],
      mentions: ["--baud", "such as 1000000"]),
    WrongInput(
      "a speed that no bus has, to calibrate", ["calibrate", "--arm", "so101", "--port", "x", "--baud", "1"],
      mentions: ["--baud", "such as 1000000"]),
    WrongInput(
      "strict and not strict", ["run", "--strict", "--allow-non-realtime"], mentions: ["--strict", "exclude"]),
    WrongInput(
      "a log and none", ["run", "--task", "reacher-v5", "--log", "x.mcap", "--no-log"], mentions: ["--no-log"]),
    WrongInput(
      "simulated time without an end", ["run", "--task", "reacher-v5", "--virtual"], mentions: ["--virtual"]),
    WrongInput("no task", ["evaluate", "--episodes", "1"], mentions: ["--task", "reacher-v5"]),
    WrongInput(
      "no policy ships for the task", ["evaluate", "--task", "own.yaml"], mentions: ["'own'", "--policy"],
      prepare: {
        let task = try Command.run(["list", "tasks", "--show", "reach"], in: $0).output
        try $0.write(task.replacing("name: reach", with: "name: own"), to: "own.yaml")
      }),
    WrongInput("rate of zero", ["bench", "loop", "--rate", "0"], mentions: ["--rate", "0"]),
    WrongInput("no rounds", ["bench", "loop", "--rounds", "0"], mentions: ["--rounds", "0"]),
    WrongInput("a log of a year", ["bench", "log", "--duration", "31536000"], mentions: ["--duration"]),
    WrongInput("a log at a rate of nan", ["bench", "log", "--rate", "nan"], mentions: ["--rate"]),
    WrongInput(
      "a log in a missing folder", ["bench", "log", "--duration", "0.1", "--folder", "no/such"], mentions: ["no/such"]),
    WrongInput("no batches", ["bench", "inference", "--batches", "0"], mentions: ["--batches", "0"]),
    WrongInput("show without a kind", ["list", "--show", "reach"], mentions: ["--show"]),
    WrongInput("unknown kind", ["list", "robots"], mentions: ["robots"]),
    WrongInput("unknown name", ["list", "tasks", "--show", "reach-v9"], mentions: ["reach-v9", "reacher-v5"]),
    WrongInput("evaluation without observations", ["policy", "eval", "reacher-sb3"], mentions: ["--observations"]),
    WrongInput("half a recurrent pair", ["policy", "inspect", "x.onnx", "--recurrent", "h"], mentions: ["h"]),
    WrongInput(
      "an output name for a bundle", ["policy", "inspect", Shipped.bundle.path, "--output-name", "action"],
      mentions: ["--output-name", "policy.yaml"]),
    WrongInput(
      "an output that is not there", ["policy", "inspect", "p.onnx", "--output-name", "torque"],
      mentions: ["p.onnx", "torque"], prepare: { try $0.writeNetwork("p.onnx") }),
    WrongInput("recovery without an output", ["log", "recover", "x.mcap"], mentions: ["--output"]),
    WrongInput("unknown format", ["log", "cat", "x.mcap", "--format", "xml"], mentions: ["xml"]),
    WrongInput("negative limit", ["log", "cat", "x.mcap", "--limit=-1"], mentions: ["--limit", "-1"]),
    WrongInput(
      "a table of events", ["log", "cat", "x.mcap", "--format", "csv", "--topic", "/events"], mentions: ["csv"]),
    WrongInput(
      "unknown compression", ["log", "recover", "x.mcap", "-o", "y.mcap", "--compression", "gzip"], mentions: ["gzip"]),
    WrongInput("unknown arm", ["init", "--arm", "so102"], mentions: ["so102", "so100"]),
    WrongInput(
      "a configuration that exists", ["init"], mentions: ["robot.yaml", "exists"],
      prepare: { try $0.write("arm: reacher\n", to: "robot.yaml") }),
    WrongInput("a configuration in a missing folder", ["init", "-o", "no/robot.yaml"], mentions: ["no/robot.yaml"]),
    WrongInput(
      "a configuration instead of a folder", ["init", "-o", "folder", "--force"], mentions: ["folder"],
      prepare: { try $0.makeFolder("folder") }),
    WrongInput(
      "a configuration into a pipe that nobody reads", ["init", "-o", "pipe", "--force"], mentions: ["pipe"],
      prepare: { try $0.makePipe("pipe") }),
    WrongInput(
      "unknown instructions", evaluate(), mentions: ["SINEW_ISA=mmx", "baseline"], environment: ["SINEW_ISA": "mmx"]),
    WrongInput("unknown perturbation", evaluate("--perturb", "gravity=1"), mentions: ["gravity", "payload"]),
    WrongInput(
      "perturbation without a number", evaluate("--perturb", "payload=heavy"), mentions: ["payload", "heavy"]),
    WrongInput("perturbation of nan", evaluate("--perturb", "latency=nan"), mentions: ["latency", "nan"]),
    WrongInput("perturbation out of range", evaluate("--perturb", "payload=-1"), mentions: ["payload", "-1"]),
    WrongInput("half a perturbation", evaluate("--perturb", "payload"), mentions: ["payload"]),
    WrongInput(
      "a control rate that does not fit", evaluate("--control-rate", "77"), mentions: ["77", "50"]),
    WrongInput("a control rate of nan", evaluate("--control-rate", "nan"), mentions: ["nan"]),
    WrongInput("an endless control rate", evaluate("--control-rate", "inf"), mentions: ["inf"]),
    WrongInput(
      "a huge control rate", evaluate("--control-rate", "1e300"),
      mentions: ["1e+300 Hz is too fast", "whole multiple of the policy's 50.0 Hz, up to 10000.0 Hz"]),
    WrongInput(
      "a control rate between two physics steps", evaluate("--control-rate", "150"),
      mentions: ["physics steps of 0.01 s", "choose another control rate, or a physics step of 0.006666667 s"]),
    WrongInput("a negative control rate", evaluate("--control-rate=-50"), mentions: ["-50"]),
    WrongInput("a physics step of zero", evaluate("--physics-timestep", "0"), mentions: ["step", "0"]),
    WrongInput("a negative physics step", evaluate("--physics-timestep=-0.01"), mentions: ["step", "-0.01"]),
    WrongInput("a physics step of nan", evaluate("--physics-timestep", "nan"), mentions: ["step", "nan"]),
    WrongInput("a physics step that does not fit", evaluate("--physics-timestep", "0.007"), mentions: ["0.007"]),
    WrongInput(
      "unknown servo", ["evaluate", "--task", "reach", "--policy", "reach", "--episodes", "1", "--servo", "sts3216"],
      mentions: ["sts3216"]),
    WrongInput("a servo for torques", evaluate("--servo", "sts3215-7v4"), mentions: ["sts3215-7v4", "efforts"]),
    WrongInput("unknown profile", evaluate("--profile", "so102"), mentions: ["so102", "so100"]),
    WrongInput(
      "a profile of another arm", evaluate("--profile", "so101"), mentions: ["so101", "joint1", "shoulder_pan"]),
    WrongInput("a missing profile", evaluate("--profile", "arm.yaml"), mentions: ["arm.yaml"]),
  ]
}
