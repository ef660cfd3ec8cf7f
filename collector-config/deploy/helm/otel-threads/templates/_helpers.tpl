{{- define "otel-threads.name" -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- define "otel-threads.labels" -}}
app.kubernetes.io/name: otel-threads
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}
{{- define "otel-threads.secret" -}}
{{- .Values.tokens.existingSecret | default (printf "%s-tokens" (include "otel-threads.name" .)) -}}
{{- end -}}
