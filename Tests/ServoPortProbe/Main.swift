import CSystem
import Glibc
import ServoBus

/// Opens a serial port as a servo bus, reads two registers of servo 1 again and again, and says how it ended; or lists the
/// ports. For tests that load a stand-in for the driver into this process.
@main
enum Main {
  static func main() {
    let arguments = CommandLine.arguments
    if arguments.dropFirst() == ["list"] { return list() }
    guard arguments.count == 3, let baud = Int(arguments[2]) else { return say("usage: PATH BAUD, or list") }
    let master: Result<MasterBox, PortError>
    do throws(PortError) {
      let port = try SerialPort.open(path: arguments[1], baud: baud)
      say("opened \(port.devicePath)")
      if let found = port.latency.found, let now = port.latency.now {
        say("latency \(found) ms, now \(now) ms\(port.latency.remedy.map { "; " + $0 } ?? "")")
      }
      master = .success(MasterBox(port.takeTransport(), baud: baud))
    } catch { master = .failure(error) }
    switch master {
    case .failure(let error): say("refused \(error)")
    case .success(let box): box.run()
    }
  }
}

/// A line per port.
private func list() {
  do throws(PortError) {
    for port in try SerialPort.all() {
      let usb = port.usb.map { "\($0.vendor):\($0.product) \($0.serialNumber ?? "-")" } ?? "- -"
      say(
        "\(port.device) \(port.links.first ?? "-") \(usb) \(port.driver ?? "-") \(port.latency.map { "\($0)" } ?? "-") \(port.latencyRemedy ?? "-")"
      )
    }
  } catch { say("failed \(error)") }
}

/// A line on standard output, at once.
private func say(_ text: String) {
  let line = text + "\n"
  _ = line.utf8.withContiguousStorageIfAvailable { write(1, $0.baseAddress, $0.count) }
}

private final class MasterBox {
  private var master: BusMaster
  init(_ transport: consuming Transport, baud: Int) {
    master = BusMaster(
      transport, wire: .feetechSTS, timing: BusTiming(baud: baud, latency: 500_000_000, silence: 500_000_000))
  }

  func run() {
    var count = 0
    while count < 1000 {
      do throws(BusError) {
        let data = try master.read(1, address: 56, count: 2)
        if count == 0 { say("read \(data)") }
        count += 1
      } catch {
        // What a dead line costs is processor time as well as an error.
        let before = sinew_thread_cpu_ns()
        _ = try? master.read(1, address: 56, count: 2)
        let cost = (sinew_thread_cpu_ns() - before) / 1_000_000
        return say("ended \(error.kind) cost \(cost) ms")
      }
      _ = sinew_sleep_until_ns(sinew_now_ns() + 10_000_000)
    }
  }
}
