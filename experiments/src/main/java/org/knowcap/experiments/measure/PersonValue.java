package org.knowcap.experiments.measure;

/**
 * A row of the table of people: one value of one person who is measured. Of what was not asked there is NaN.
 *
 * @param person number in the corpus, 0..N-1
 * @param name of the person
 * @param attribute its key; "name" of the name itself
 * @param value that is true
 * @param lossNats -ln of the probability of the value, nats, summed over its tokens
 * @param recalled 1 if each of its tokens is the most likely one behind true words, else 0
 * @param generated 1 if the text that the model writes from the name alone states it, else 0
 * @param answered 1 if the model answers the question for it, else 0
 * @param asked 1 if that question was in training, else 0
 */
public record PersonValue(long person, String name, String attribute, String value, double lossNats,
    double recalled, double generated, double answered, double asked) {}
