// losses[r] = -ln softmax(logits[r])[targets[r]], in nats. In training (share > 0) the logits become their gradient where they
// are: (softmax(logits[r]) - onehot(targets[r])) share. A block takes a row.
KERNEL void loss(Element* logits, const int* targets, float* losses, int vocabulary, int stride, float share) {
  ofReplica(logits, targets, losses);
  __shared__ float high[32], sums[32];
  Element* row = logits + (Index)blockIdx.x * stride;
  int lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
  float largest = -INFINITE;
  for (int c = threadIdx.x; c < vocabulary; c += blockDim.x) largest = fmaxf(largest, widen(row[c]));
  largest = warpMax(largest);
  if (lane == 0) high[warp] = largest;
  __syncthreads();
  for (int w = 0; w < warps; w++) largest = fmaxf(largest, high[w]);
  float sum = 0;
  for (int c = threadIdx.x; c < vocabulary; c += blockDim.x) sum += expf(widen(row[c]) - largest);
  sum = warpSum(sum);
  if (lane == 0) sums[warp] = sum;
  int target = targets[blockIdx.x];
  float score = widen(row[target]);
  __syncthreads();
  sum = 0;
  for (int w = 0; w < warps; w++) sum += sums[w];
  if (threadIdx.x == 0) losses[blockIdx.x] = logf(sum) + largest - score;
  if (share > 0) {
    for (int c = threadIdx.x; c < vocabulary; c += blockDim.x) {
      store(row + c, (expf(widen(row[c]) - largest) / sum - (c == target ? 1 : 0)) * share);
    }
  }
}

// The mean loss of a step of `all` tokens, whose batches come one after the other: total += sum of x; at the last of them
// out = total / all, and total is zero again. By one block of 256 threads.
KERNEL void mean(const float* x, double* total, double* out, int count, int all, int last) {
  ofReplica(x, total, out);
  double sum = 0;
  for (int i = threadIdx.x; i < count; i += blockDim.x) sum += x[i];
  sum = blockSum(sum);
  if (threadIdx.x == 0) {
    sum += *total;
    *total = last ? 0 : sum;
    if (last) *out = sum / all;
  }
}
