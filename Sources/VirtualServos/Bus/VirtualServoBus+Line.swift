/// Bytes on their way to the host.
struct Delivery {
  /// When the host can read them.
  var time: Int64
  var bytes: [UInt8]
  /// When they are on the line.
  var wireStart: Int64
  var wireEnd: Int64
}

extension VirtualServoBus {
  /// An instruction, or what was left of one, ended at `time`.
  func handle(_ event: ParserEvent, at time: Int64) {
    advance(to: time)
    let listening = devices.filter { device in
      device.isListening && !faults.mute.contains(device.id) && hears(device)
    }
    let replies: [Reply]
    switch event {
    case .damaged(let id):
      counts.damaged += 1
      replies = line.replies(toDamagedPacketFor: id, from: listening)
    case .instruction(let instruction):
      counts.instructions += 1
      record(.instruction, time, [instruction.id, instruction.code] + instruction.parameters)
      strike(request: counts.instructions)
      for device in devices {
        device.positionOverride = faults.showsRequestCount ? counts.instructions % 4096 : nil
      }
      // A brown-out strikes before the instruction is understood.
      let alive = listening.filter { $0.isListening }
      for device in alive { device.heardInstruction() }
      replies = line.replies(to: instruction, from: alive)
    }
    if keepsAnswers {
      for reply in replies where !reply.isSilent {
        for (id, answer) in reply.spoken {
          spoken.append(SpokenAnswer(time: time, id: id, status: answer.error, data: answer.data))
        }
      }
    }
    schedule(replies, after: time)
  }

  private func hears(_ device: ServoDevice) -> Bool {
    guard timing.checksBaud, let hostBaud, let own = device.baud else { return true }
    return abs(own - hostBaud) * 100 <= 3 * hostBaud
  }

  private func strike(request: Int) {
    for strike in faults.brownOut where strike.request == request {
      for device in devices where device.id == strike.id {
        device.restart(silence: faults.brownOutTime)
        note(device.now, "servo \(device.id): brown-out")
      }
    }
    for strike in faults.overload where strike.request == request {
      for device in devices where device.id == strike.id {
        device.isOverloadForced = true
        device.supervise(0)
        note(device.now, "servo \(device.id): overload")
      }
    }
  }

  /// Puts replies on the line after an instruction that ended at `time`.
  private func schedule(_ replies: [Reply], after time: Int64) {
    guard !replies.isEmpty else { return }
    let lateness = injector.isLate(request: counts.instructions) ? faults.lateBy : 0
    var cursor = time
    var together: [(start: Int64, bytes: [UInt8])] = []
    for reply in replies {
      // Whoever speaks first takes the turnaround; those in turn follow at their own delay.
      let origin = reply.isInTurn && cursor > time ? cursor : time + timing.turnaround
      let start = origin + reply.delay
      cursor = start + timing.wireTime(reply.bytes.count)
      if reply.isSilent { continue }
      if reply.isInTurn {
        put(reply.bytes, from: start, lateness: lateness)
      } else {
        together.append((start, reply.bytes))
      }
      if isHungUp { return }
    }
    guard let first = together.first else { return }
    if together.count == 1 {
      put(first.bytes, from: first.start, lateness: lateness)
    } else {
      putTogether(together, lateness: lateness)
    }
  }

  /// Several servos speak at once: an open-drain line is low where any of them pulls it low.
  private func putTogether(_ packets: [(start: Int64, bytes: [UInt8])], lateness: Int64) {
    counts.collisions += 1
    let origin = packets.map { $0.start }.min() ?? 0
    let byteTime = max(timing.wireTime(1), 1)
    var merged: [UInt8] = []
    for packet in packets {
      let shift = timing.baud == nil ? 0 : Int((packet.start - origin) / byteTime)
      let end = shift + packet.bytes.count
      if merged.count < end { merged += Array(repeating: 0xFF, count: end - merged.count) }
      for (index, byte) in packet.bytes.enumerated() { merged[shift + index] &= byte }
    }
    put(merged, from: origin, lateness: lateness)
  }

  /// One packet on the line, with what its faults make of it.
  private func put(_ bytes: [UInt8], from start: Int64, lateness: Int64) {
    let fate = injector.fate(of: bytes)
    let end = start + timing.wireTime(bytes.count)
    counts.answers += 1
    if !fate.isDropped {
      var packet = injector.toHost(bytes)
      if !fate.garbage.isEmpty { packet = fate.garbage + packet }
      let arrival = end + timing.usbLatency + lateness
      var from = 0
      var time = arrival
      for cut in fate.cuts where cut.at < packet.count {
        deliver(Array(packet[from..<cut.at]), at: time, wireStart: start, wireEnd: end)
        from = cut.at
        time += cut.delay
      }
      deliver(Array(packet[from...]), at: time, wireStart: start, wireEnd: end)
      if fate.isDoubled { deliver(packet, at: time, wireStart: start, wireEnd: end) }
    }
    if let limit = faults.hangUpAfter, counts.answers >= limit {
      isHungUp = true
      note(end, "hung up")
    }
  }

  func deliver(_ bytes: [UInt8], at time: Int64, wireStart: Int64, wireEnd: Int64) {
    guard !bytes.isEmpty else { return }
    let delivery = Delivery(time: time, bytes: bytes, wireStart: wireStart, wireEnd: wireEnd)
    // Behind everything that arrives no later: what was sent first is read first.
    let index = deliveries.lastIndex { $0.time <= time }.map { $0 + 1 } ?? 0
    deliveries.insert(delivery, at: index)
  }

  /// The host speaks from `start` while answers may still be on the line: what overlaps is damaged for both sides.
  func collide(_ bytes: [UInt8], from start: Int64) -> [UInt8] {
    let byteTime = timing.wireTime(1)
    guard byteTime > 0, deliveries.contains(where: { $0.wireEnd > start }) else { return bytes }
    var bytes = bytes
    let end = start + timing.wireTime(bytes.count)
    for index in deliveries.indices where deliveries[index].wireEnd > start && deliveries[index].wireStart < end {
      counts.collisions += 1
      let shift = Int((start - deliveries[index].wireStart) / byteTime)
      for (place, byte) in bytes.enumerated() {
        let other = place + shift
        guard deliveries[index].bytes.indices.contains(other) else { continue }
        bytes[place] &= deliveries[index].bytes[other]
        deliveries[index].bytes[other] &= byte
      }
    }
    return bytes
  }
}
