"""The CUDA sources of cuda.py's kernels. REAL is float or double; every thread makes one number, or one tile's.

The tests compile them with a C++ compiler too and run them thread by thread.
"""

from minivis.convolution.winograd import F4

IM2COL = """
extern "C" __global__ void im2col(const REAL* x, REAL* cols, long long count, int H, int W, int C, int OW, int lines,
        int first_line, int KH, int KW, int sh, int sw, int dh, int dw, int top, int left, int first_channel, int Cg) {
    long long i = blockIdx.x * (long long) blockDim.x + threadIdx.x;                // one number of one row
    if (i >= count) return;
    long long r = i / Cg;
    int c = i % Cg, v = r % KW;         r /= KW;
    int u = r % KH;                     r /= KH;
    int column = r % OW;                r /= OW;
    int line = r % lines + first_line;  r /= lines;
    int y = line * sh + u * dh - top, z = column * sw + v * dw - left;
    cols[i] = y >= 0 && y < H && z >= 0 && z < W ? x[((r * H + y) * W + z) * C + first_channel + c] : 0;
}
"""

COL2IM = """
extern "C" __global__ void col2im(const REAL* cols, REAL* dx, long long count, int H, int W, int C, int OW, int lines,
        int first_line, int KH, int KW, int sh, int sw, int dh, int dw, int top, int left, int first_channel, int Cg) {
    long long i = blockIdx.x * (long long) blockDim.x + threadIdx.x;                // one number of dx
    if (i >= count) return;
    long long r = i / Cg;
    int c = i % Cg, z = r % W;          r /= W;
    int y = r % H;                      r /= H;
    REAL sum = 0;
    for (int u = 0; u < KH; u++) {
        int line = y + top - u * dh;
        if (line < 0 || line % sh) continue;
        line = line / sh - first_line;
        if (line < 0 || line >= lines) continue;
        for (int v = 0; v < KW; v++) {
            int column = z + left - v * dw;
            if (column < 0 || column % sw || column / sw >= OW) continue;
            sum += cols[((((r * lines + line) * OW + column / sw) * KH + u) * KW + v) * Cg + c];
        }
    }
    dx[((r * H + y) * W + z) * C + first_channel + c] += sum;
}
"""

MATRICES = {                            # B^T and A^T of F4, row by row
    name: f"__device__ const REAL {name}[{len(matrix)}][6] = "
          f"{{{', '.join('{' + ', '.join(map(str, row)) + '}' for row in matrix)}}};\n"
    for name, matrix in (("BT", F4.BT.astype(int)), ("AT", F4.AT.astype(int)))
}  # fmt: skip

INPUT_TRANSFORM = MATRICES["BT"] + """
extern "C" __global__ void input_transform(const REAL* x, REAL* V, long long count, int H, int W, int C, int rows,
        int columns, int top, int left) {
    long long i = blockIdx.x * (long long) blockDim.x + threadIdx.x;                // one channel of one tile
    if (i >= count) return;
    int c = i % C;
    long long tile = i / C, r = tile;
    int column = r % columns;           r /= columns;
    int row = r % rows;                 r /= rows;
    REAL half[6][6];
    for (int k = 0; k < 6; k++)
        for (int b = 0; b < 6; b++) {
            REAL sum = 0;
            int z = column * 4 + b - left;
            for (int a = 0; a < 6; a++) {
                int y = row * 4 + a - top;
                if (y >= 0 && y < H && z >= 0 && z < W) sum += BT[k][a] * x[((r * H + y) * W + z) * C + c];
            }
            half[k][b] = sum;
        }
    for (int k = 0; k < 6; k++)
        for (int l = 0; l < 6; l++) {
            REAL sum = 0;
            for (int b = 0; b < 6; b++) sum += half[k][b] * BT[l][b];
            V[(k * 6 + l) * count + i] = sum;
        }
}
"""

FINISHED = """
__device__ REAL finished(REAL y, const REAL* bias, int f, REAL low, REAL high, unsigned char* mask, long long i) {
    if (bias) y += bias[f];
    if (mask) mask[i] = y > low && y < high;
    return y < low ? low : y > high ? high : y;                                     // NaN stays NaN
}
"""

FINISH = FINISHED + """
extern "C" __global__ void finish(REAL* y, const REAL* bias, REAL low, REAL high, unsigned char* mask,
        long long count, int F) {
    long long i = blockIdx.x * (long long) blockDim.x + threadIdx.x;                // one number of the output
    if (i < count) y[i] = finished(y[i], bias, i % F, low, high, mask, i);
}
"""

OUTPUT_TRANSFORM = MATRICES["AT"] + FINISHED + """
extern "C" __global__ void output_transform(const REAL* M, REAL* out, const REAL* bias, REAL low, REAL high,
        unsigned char* mask, long long count, int OH, int OW, int F, int rows, int columns) {
    long long i = blockIdx.x * (long long) blockDim.x + threadIdx.x;                // one filter of one tile
    if (i >= count) return;
    int f = i % F;
    long long r = i / F;
    int column = r % columns;           r /= columns;
    int row = r % rows;                 r /= rows;
    REAL half[4][6];
    for (int m = 0; m < 4; m++)
        for (int l = 0; l < 6; l++) {
            REAL sum = 0;
            for (int k = 0; k < 6; k++) sum += AT[m][k] * M[(k * 6 + l) * count + i];
            half[m][l] = sum;
        }
    for (int m = 0; m < 4; m++)
        for (int n = 0; n < 4; n++) {
            int y = row * 4 + m, z = column * 4 + n;
            if (y >= OH || z >= OW) continue;
            REAL sum = 0;
            for (int l = 0; l < 6; l++) sum += half[m][l] * AT[n][l];
            long long at = ((r * OH + y) * OW + z) * F + f;
            out[at] = finished(sum, bias, f, low, high, mask, at);
        }
}
"""

MAX_POOL = """
extern "C" __global__ void max_pool(const REAL* x, REAL* out, unsigned char* switches, long long count, int H, int W,
        int C, int OH, int OW, int KH, int KW, int sh, int sw, int top, int left) {
    long long i = blockIdx.x * (long long) blockDim.x + threadIdx.x;                // one output
    if (i >= count) return;
    long long n = i / C;
    int c = i % C, column = n % OW;     n /= OW;
    int row = n % OH;                   n /= OH;
    REAL best = 0;
    int won = -1;
    for (int k = 0; k < KH * KW; k++) {
        int y = row * sh + k / KW - top, z = column * sw + k % KW - left;
        if (y < 0 || y >= H || z < 0 || z >= W) continue;
        REAL value = x[((n * H + y) * W + z) * C + c];
        if (won < 0 || value > best || value != value) { best = value; won = k; }   // strictly: the first keeps a tie
        if (value != value) break;
    }
    out[i] = best;
    switches[i] = won;
}
"""

MAX_POOL_BACK = """
extern "C" __global__ void max_pool_back(const REAL* dout, const unsigned char* switches, REAL* dx, long long count,
        int H, int W, int C, int OH, int OW, int KH, int KW, int sh, int sw, int top, int left) {
    long long i = blockIdx.x * (long long) blockDim.x + threadIdx.x;                // one input: it gathers
    if (i >= count) return;
    long long n = i / C;
    int c = i % C, z = n % W;           n /= W;
    int y = n % H;                      n /= H;
    REAL sum = 0;
    for (int k = 0; k < KH * KW; k++) {
        int row = y + top - k / KW, column = z + left - k % KW;
        if (row < 0 || row % sh || row / sh >= OH || column < 0 || column % sw || column / sw >= OW) continue;
        long long window = ((n * OH + row / sh) * OW + column / sw) * C + c;
        if (switches[window] == k) sum += dout[window];
    }
    dx[i] = sum;
}
"""
