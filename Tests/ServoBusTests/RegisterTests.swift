import Numerics
import ServoBus
import Testing

@Suite
struct RegisterTests {
  @Test("tables are in order, without overlap, and every name is there once", arguments: ServoModel.all.map(\.name))
  func tables(name: String) throws {
    let model = try #require(ServoModel.named(name))
    var end = 0
    for register in model.registers {
      #expect(register.address >= end, "\(register.name)")
      #expect([1, 2, 4].contains(register.width))
      #expect(register.scale > 0)
      #expect((register.scale == 1) || register.unit != .none)
      end = register.address + register.width
    }
    #expect(Set(model.registers.map(\.name)).count == model.registers.count)
    for needed in ["id", "baud_rate", "model_number", "torque_enable", "goal_position", "present_position"] {
      #expect(model.register(needed) != nil, "\(needed)")
    }
    #expect(ServoModel.with(modelNumber: model.modelNumber, wire: model.wire) == model)
    let plan = try #require(model.cyclePlan(ids: [1, 2, 3, 4, 5, 6]))
    #expect(plan.problem(on: model.wire) == nil)
    #expect(!model.source.isEmpty)
  }

  @Test("the blocks that the references recommend are contiguous")
  func blocks() throws {
    let sts = try #require(ServoModel.sts3215.cyclePlan(ids: [1]))
    #expect((sts.readAddress, sts.readLength, sts.writeAddress, sts.writeLength) == (56, 8, 42, 2))
    let x = try #require(ServoModel.xl330M288.cyclePlan(ids: [1]))
    #expect((x.readAddress, x.readLength, x.writeAddress, x.writeLength) == (126, 10, 116, 4))
    #expect(try #require(ServoModel.xl430W250.cyclePlan(ids: [1])).readAddress == 126)
    #expect(try #require(ServoModel.ax12A.cyclePlan(ids: [1])).method == .single)
    #expect(
      try #require(ServoModel.sts3215.block(["acceleration", "goal_position", "goal_time", "goal_speed"])) == (41, 7))
    #expect(ServoModel.sts3215.block(["lock", "present_speed"]) == nil)
  }

  @Test("speeds have the index that the servo's register takes")
  func bauds() {
    #expect(ServoModel.sts3215.baudIndex(1_000_000) == 0)
    // LeRobot's table is wrong from here on.
    #expect(ServoModel.sts3215.baudIndex(76_800) == 5 && ServoModel.sts3215.baudIndex(57_600) == 6)
    #expect(ServoModel.sts3215.baudIndex(38_400) == 7)
    #expect(ServoModel.xl330M288.baudIndex(57_600) == 1 && ServoModel.xl330M288.baudIndex(4_500_000) == nil)
    #expect(ServoModel.xm430W350.baudIndex(4_500_000) == 7)
    #expect(ServoModel.ax12A.baudIndex(1_000_000) == 1 && ServoModel.ax12A.baudIndex(57_600) == 34)
    #expect(ServoModel.ax12A.baudIndex(3_000_000) == nil)
  }

  @Test("signs are the published ones: sign and magnitude on Feetech, two's complement on DYNAMIXEL")
  func signs() throws {
    func decode(_ model: ServoModel, _ name: String, _ bytes: [UInt8]) -> Int? { model.codec(name)?.decode(bytes) }
    #expect(decode(.sts3215, "goal_position", [0x64, 0x80]) == -100)
    #expect(decode(.sts3215, "present_speed", [0x05, 0x80]) == -5)
    #expect(decode(.sts3215, "homing_offset", [0x55, 0x08]) == -85)
    #expect(decode(.sts3215, "present_load", [0x28, 0x04]) == -40)
    #expect(decode(.sts3215, "present_position", [0x00, 0x80]) == 0)
    #expect(decode(.scs0009, "present_position", [0x02, 0x01]) == 513)
    #expect(decode(.xl330M288, "present_speed", [0xFD, 0xFF, 0xFF, 0xFF]) == -3)
    #expect(decode(.xl330M288, "bus_watchdog", [0xFF]) == -1)
    #expect(ServoModel.sts3215.codec("homing_offset")?.encode(-85) == [0x55, 0x08])
    #expect(ServoModel.sts3215.codec("homing_offset")?.encode(2047) == [0xFF, 0x07])
    #expect(ServoModel.sts3215.codec("homing_offset")?.encode(2048) == nil)
    #expect(ServoModel.sts3215.codec("homing_offset")?.encode(-2048) == nil)
    #expect(ServoModel.xl330M288.codec("goal_position")?.encode(-2) == [0xFE, 0xFF, 0xFF, 0xFF])
    #expect(ServoModel.sts3215.codec("id")?.encode(-1) == nil)
  }

  @Test("whatever fits a register is read back the same")
  func roundTrip() throws {
    var random = RandomStream(seed: 5, name: "servo registers")
    for model in ServoModel.all {
      for register in model.registers {
        let codec = register.codec(bigEndian: model.wire.isBigEndian)
        let (low, high) = (codec.range.lowerBound, codec.range.upperBound)
        for value in [low, high, 0, low + random.below(high - low)] {
          let bytes = try #require(codec.encode(value))
          #expect(bytes.count == register.width && codec.decode(bytes) == value, "\(model.name) \(register.name)")
        }
        #expect(codec.encode(low - 1) == nil && codec.encode(high + 1) == nil)
      }
    }
  }

  @Test("units are SI: a turn is 4096 steps, a count of speed is 0.229 revolutions per minute")
  func units() throws {
    let position = try #require(ServoModel.sts3215.register("present_position"))
    #expect(abs(position.scale * 4096 - 2 * .pi) < 1e-12 && position.unit == .radian)
    let speed = try #require(ServoModel.xl330M288.register("present_speed"))
    #expect(abs(speed.scale - 0.023981) < 1e-6)
    #expect(ServoModel.xl330M288.register("present_current")?.scale == 0.001)
    #expect(ServoModel.xm430W350.register("present_current")?.scale == 0.00269)
    #expect(ServoModel.xl430W250.register("present_current") == nil)
    #expect(abs(try #require(ServoModel.ax12A.register("present_position")).scale * 1024 - 300 * .pi / 180) < 1e-12)
  }
}

@Suite
struct IDListTests {
  @Test("ids are written as ranges and lists")
  func lists() {
    #expect(IDList.parse("1-6") == [1, 2, 3, 4, 5, 6])
    #expect(IDList.parse("3,1,7-8,3") == [3, 1, 7, 8])
    #expect(IDList.parse("0-253")?.count == 254)
    for wrong in ["", "1-", "-3", "6-1", "1,,2", "a", "254", "1-300", "1-2-3", "1 2"] {
      #expect(IDList.parse(wrong) == nil, "\(wrong)")
    }
  }
}
