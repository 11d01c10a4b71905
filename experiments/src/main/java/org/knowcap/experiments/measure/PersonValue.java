package org.knowcap.experiments.measure;

/**
 * A row of the table of people: one value of one person who is measured. A number that was not measured is NaN.
 *
 * @param person number in the corpus, 0..N-1
 * @param name of the person
 * @param attribute its key; "name" of the name itself
 * @param value the true value
 * @param lossNats -ln of the probability of the value, nats, summed over its tokens
 * @param recalled 1 if each token of the value is the most likely one after true words, else 0
 * @param generated 1 if the value is in the text that the model writes when it is given only the name, else 0
 * @param answered 1 if the model answers the question about the value, else 0
 * @param asked 1 if that question was in training, else 0
 */
public record PersonValue(long person, String name, String attribute, String value, double lossNats,
    double recalled, double generated, double answered, double asked) {}
