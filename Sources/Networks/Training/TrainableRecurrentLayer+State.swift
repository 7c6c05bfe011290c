extension TrainableRecurrentLayer {
  /// Floats of one row's state: the hidden numbers, and behind them the LSTM's cell.
  public var stateWidth: Int { stride * (cell == .lstm ? 2 : 1) }

  /// The state of a row before the first step of the next `forward`, from `stateWidth` floats.
  public func begin(row: Int, from state: UnsafePointer<Float>) {
    (initialState + row * stride).update(from: state, count: stride)
    if cell == .lstm { (initialCell + row * stride).update(from: state + stride, count: stride) }
  }

  /// The state of a row before the first step of the next `forward`: that behind a row of the latest one.
  public func begin(row: Int, behind outputRow: Int) {
    (initialState + row * stride).update(from: output + outputRow * stride, count: stride)
    if cell == .lstm { (initialCell + row * stride).update(from: outputCell + outputRow * stride, count: stride) }
  }

  /// Writes the state behind a row of the latest `forward`, `stateWidth` floats. Rows are counted over all steps.
  public func copyState(behind outputRow: Int, to state: UnsafeMutablePointer<Float>) {
    state.update(from: output + outputRow * stride, count: stride)
    if cell == .lstm { (state + stride).update(from: outputCell + outputRow * stride, count: stride) }
  }
}
