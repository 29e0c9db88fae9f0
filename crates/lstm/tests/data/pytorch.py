"""Writes pytorch.txt: a small stacked LSTM by PyTorch, with its gradients, for tests/pytorch.rs.

    python pytorch.py > pytorch.txt        (written with PyTorch 2.15.0, CPU, float64)

Every line is a name and the tensor's values in row-major order, in PyTorch's own layout.
"""

import torch

torch.manual_seed(20150601)
torch.set_default_dtype(torch.float64)
batch, steps, features, hidden, layers = 3, 5, 4, 6, 2

lstm = torch.nn.LSTM(features, hidden, layers, batch_first=True)
x = torch.randn(batch, steps, features, requires_grad=True)
h0 = (torch.randn(layers, batch, hidden) * 0.5).requires_grad_()
c0 = (torch.randn(layers, batch, hidden) * 0.5).requires_grad_()
d_outputs = torch.randn(batch, steps, hidden)
d_h = torch.randn(layers, batch, hidden)
d_c = torch.randn(layers, batch, hidden)

outputs, (h, c) = lstm(x, (h0, c0))
((outputs * d_outputs).sum() + (h * d_h).sum() + (c * d_c).sum()).backward()

tensors = dict(x=x, h0=h0, c0=c0, d_outputs=d_outputs, d_h=d_h, d_c=d_c, outputs=outputs, h=h, c=c)
tensors.update({"grad_x": x.grad, "grad_h0": h0.grad, "grad_c0": c0.grad})
for name, parameter in lstm.named_parameters():
    tensors[name] = parameter
    tensors["grad_" + name] = parameter.grad
print(f"# PyTorch {torch.__version__.split('+')[0]}, torch.nn.LSTM({features}, {hidden}, {layers}, batch_first=True), see pytorch.py")
for name, tensor in tensors.items():
    print(name, *(f"{value:.9g}" for value in tensor.detach().flatten().tolist()))
