import Foundation
import Learning
import Testing

@testable import sinew

/// The picture of `sinew demo bandit` on screens of all sizes.
@Suite("Bandit picture") struct BanditViewTests {
  private static let hint = "space or return: the next update; q: leave"

  private static func view(_ change: (inout BanditOptions) -> Void = { _ in }, steps: Int = 120) -> BanditView {
    var options = BanditOptions()
    options.clipsActions = true
    change(&options)
    var view = BanditView(options, drawsBaseline: true)
    for _ in 0..<steps { view.advance() }
    return view
  }

  /// What a terminal shows of it, without colours.
  private static func rows(_ frame: String) -> [String] {
    frame.replacing(/\u{1b}\[[0-9;]*m/, with: "").split(separator: "\n", omittingEmptySubsequences: false).map(
      String.init)
  }

  /// Quiet ones, ones that diverge at once, and words and numbers as long as they get.
  private static let views = [
    view(steps: 0), view(steps: 1), view(), view({ $0.rate = 1 }),
    view({
      ($0.seed, $0.rewardOffset, $0.rate, $0.deviation) = (.max, -1_000_000, 10, 10)
    }), view({ ($0.start, $0.target, $0.rate, $0.deviation) = (5, -5, 0.3, 0.1) }),
  ]

  @Test("on no screen is a row wider than the columns, nor are there more rows than it has")
  func fits() {
    for view in Self.views {
      for columns in 1...140 {
        for height in 1...40 {
          let rows = Self.rows(
            view.frame(colors: true, in: BanditView.Size(columns: columns, rows: height), hint: Self.hint))
          let widest = rows.map(\.count).max() ?? 0
          #expect(rows.count <= height && widest <= columns, "\(columns) x \(height): \(rows.count) of \(widest)")
        }
      }
    }
  }

  @Test(
    "title, curve, axis, walks and the keys are on every screen that is large enough",
    arguments: [(50, 12), (60, 14), (80, 24), (81, 25), (200, 60)])
  func whole(_ columns: Int, _ height: Int) throws {
    for view in Self.views {
      let rows = Self.rows(
        view.frame(colors: true, in: BanditView.Size(columns: columns, rows: height), hint: Self.hint))
      #expect(rows[0].hasPrefix("bandit: target a*"))
      let axis = try #require(rows.firstIndex { $0.contains("┴") })
      #expect(axis >= 4)
      #expect(rows.contains { $0.hasPrefix("walk of μ") } && rows.last == Self.hint)
      #expect(rows.filter { $0.hasPrefix("  running mean") }.count >= 1)
    }
    let quiet = Self.rows(Self.views[2].frame(colors: false, in: BanditView.Size(columns: columns, rows: height)))
    let axis = try #require(quiet.firstIndex { $0.contains("┴") })
    #expect(quiet[axis - 2].contains("█"), "the curve stands over its samples")
  }

  @Test("a usual terminal holds all of it")
  func usual() {
    let text = Self.views[2].frame(colors: true, in: BanditView.Size(columns: 80, rows: 24), hint: Self.hint)
    #expect(text.contains("size of the updates") && text.contains("variance of the updates"))
    #expect(text.contains("baseline on, step 120, seed 0"))
  }

  @Test("below the smallest size it says that the terminal is too small, and what it takes")
  func tooSmall() {
    for size in [BanditView.Size(columns: 49, rows: 24), BanditView.Size(columns: 80, rows: 11)] {
      let text = Self.views[2].frame(colors: true, in: size).replacing("\n", with: " ")
      #expect(text == "terminal too small: \(size.columns) x \(size.rows), at least 50 x 12 are needed")
    }
  }
}
