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
{{- define "otel-threads.lake" -}}
- name: OTEL_THREADS_LAKE_CATALOG
  valueFrom: {secretKeyRef: {name: {{ required "lake.existingSecret has the catalog's address" .Values.lake.existingSecret }}, key: catalog}}
- {name: OTEL_THREADS_LAKE_DATA, value: {{ required "lake.data is where the files go" .Values.lake.data | quote }}}
- name: AWS_ACCESS_KEY_ID
  valueFrom: {secretKeyRef: {name: {{ .Values.lake.existingSecret }}, key: access_key_id, optional: true}}
- name: AWS_SECRET_ACCESS_KEY
  valueFrom: {secretKeyRef: {name: {{ .Values.lake.existingSecret }}, key: secret_access_key, optional: true}}
- {name: AWS_REGION, value: {{ .Values.lake.region | quote }}}
{{- with .Values.lake.endpoint }}
- {name: AWS_ENDPOINT_URL, value: {{ . | quote }}}
{{- end }}
{{- end -}}
{{- /* A value as text: a values file has each number as a float, whose own text may be 1e+10. */}}
{{- define "otel-threads.text" -}}
{{- if kindIs "slice" . -}}
{{- range $n, $one := . }}{{ if $n }},{{ end }}{{ include "otel-threads.text" $one }}{{ end -}}
{{- else if and (kindIs "float64" .) (eq . (floor .)) -}}
{{- int64 . -}}
{{- else -}}
{{- toString . -}}
{{- end -}}
{{- end -}}
{{- define "otel-threads.image" -}}
{{- printf "%s:%s" .Values.image.repository (include "otel-threads.text" (.Values.image.tag | default .Chart.AppVersion)) | quote -}}
{{- end -}}
{{- define "otel-threads.settings" -}}
{{- range $name := list "ingest" "read" "write" }}
- name: OTEL_THREADS_{{ upper $name }}_TOKEN
  valueFrom: {secretKeyRef: {name: {{ include "otel-threads.secret" $ }}, key: {{ $name }}, optional: true}}
{{- end }}
{{- if .Values.tls.existingSecret }}
- {name: OTEL_THREADS_TLS_CERT_FILE, value: /etc/otel-threads/tls/tls.crt}
- {name: OTEL_THREADS_TLS_KEY_FILE, value: /etc/otel-threads/tls/tls.key}
{{- end }}
{{- if and .Values.ingress.enabled (not (hasKey .Values.settings "allowed_hosts")) }}
- {name: OTEL_THREADS_ALLOWED_HOSTS, value: {{ .Values.ingress.host | quote }}}
{{- end }}
{{- range $name, $value := .Values.settings }}
{{- if not (kindIs "invalid" $value) }}
- {name: OTEL_THREADS_{{ upper $name }}, value: {{ include "otel-threads.text" $value | quote }}}
{{- end }}
{{- end }}
{{- end -}}
