package org.knowcap.models.training;

/**
 * Where a run stands after a step.
 *
 * @param loss mean over the step's tokens, in nats, before its update
 * @param tokensPerSecond since this process began or resumed the run
 * @param secondsLeft at that speed
 */
public record Progress(long step, long steps, double loss, double learningRate, double tokensPerSecond,
    double secondsLeft) {}
